import { takingMemory } from "../../common/deviceMemory.js";
import { sizeOf } from "../../common/shapes.js";
import { opNamed } from "../../ops/ops.js";
import type { OpInputs, Shape } from "../../ops/shapes.js";
import { positionsOf } from "../../ops/signature.js";
import { DT, type NativeBinding } from "../../runtime/native.js";

/** Float32 tensors that stand in for computed ones while a step is recorded. */
export interface StandIns {
  /** Outputs of the right shapes without computing them; undefined where the op has to run. */
  outputs(
    op: string,
    inputs: OpInputs,
    count: number,
  ): { id: number; shape: number[]; dtype: number }[] | undefined;
  dispose(): void;
}

/** Shapes of an op's outputs where a rule tells them and all are float32: others are few and cheap. */
function floatShapes(name: string, inputs: OpInputs): readonly Shape[] | undefined {
  const op = opNamed(name);
  const outputs = op && positionsOf(op.signature.outputs, inputs.attribute);
  if (!outputs?.every(({ type }) => type === DT.float)) return undefined;
  return op?.shapes?.(inputs);
}

/**
 * Recording needs shapes, not values. Zeros of each shape are made once, and every output is another handle of the
 * same memory, so that recording a step takes a fraction of running it.
 */
export function createStandIns(binding: NativeBinding): StandIns {
  const zeros = new Map<string, number>();
  const zerosOf = (shape: readonly number[]): number => {
    const key = shape.join();
    let id = zeros.get(key);
    if (id === undefined) {
      const values = new Float32Array(sizeOf(shape));
      id = takingMemory("to record a step", values.byteLength, () =>
        binding.createTensor([...shape], DT.float, values),
      );
      zeros.set(key, id);
    }
    return id;
  };
  const alias = (shape: readonly number[]) => {
    const type = { name: "T", type: binding.TF_ATTR_TYPE, value: DT.float };
    const [handle] = binding.executeOp("Identity", [type], [zerosOf(shape)], 1);
    return handle as { id: number; shape: number[]; dtype: number };
  };
  return {
    outputs: (op, inputs, count) => {
      const shapes = floatShapes(op, inputs)?.slice(0, count);
      return shapes?.length === count ? shapes.map(alias) : undefined;
    },
    dispose: () => {
      for (const id of zeros.values()) binding.deleteTensor(id);
    },
  };
}
