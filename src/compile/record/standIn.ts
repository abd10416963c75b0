import { takingMemory } from "../../common/deviceMemory.js";
import { sizeOf } from "../../common/shapes.js";
import { opNamed } from "../../ops/ops.js";
import type { OpInputs } from "../../ops/shapes.js";
import { positionsOf } from "../../ops/signature.js";
import { DT, type NativeBinding, type NativeTensor } from "../../runtime/native.js";

/** What a tensor of a recording would hold: given values, or none that anybody asks for. */
type Values = () => ArrayBufferView;

/** Tensors that have a shape, a type and an id, and lie nowhere: recording needs no more of most of them. */
export interface StandIns {
  /** A new one. @param values for an op that has to run, zeros where left out @returns its id */
  make(shape: readonly number[], dtype: number, values?: Values): number;
  /** Outputs of an op whose row tells their types and shapes; undefined where the op has to run for them. */
  outputs(op: string, inputs: OpInputs, count: number): NativeTensor[] | undefined;
  /** Runs something with real tensors in the place of stand-ins, which are gone when it has run. */
  withReal<Result>(ids: readonly number[], run: (real: number[]) => Result): Result;
}

/** The backend takes ids from 0 on for tensors of the library, which it deletes, and -1 for one that has none yet. */
const FIRST_ID = -2;

const zerosOf = (size: number, dtype: number): ArrayBufferView => {
  if (dtype === DT.float) return new Float32Array(size);
  return dtype === DT.int32 ? new Int32Array(size) : new Uint8Array(size);
};

/** The outputs that an op's row tells of, in types and shapes. */
function told(op: string, inputs: OpInputs, count: number): Omit<NativeTensor, "id">[] | undefined {
  const row = opNamed(op);
  const types = row && positionsOf(row.signature.outputs, inputs.attribute);
  const shapes = row?.shapes?.(inputs);
  if (types === undefined || shapes === undefined || shapes.length < count) return undefined;
  const outputs = types.slice(0, count).flatMap(({ type }, i) => {
    return type === undefined ? [] : [{ shape: [...(shapes[i] as number[])], dtype: type }];
  });
  return outputs.length === count ? outputs : undefined;
}

/** No stand-in yet. @param binding that runs what has to run */
export function createStandIns(binding: NativeBinding): StandIns {
  const known = new Map<number, { shape: readonly number[]; dtype: number; values: Values }>();
  const make: StandIns["make"] = (shape, dtype, values = () => zerosOf(sizeOf(shape), dtype)) => {
    const id = FIRST_ID - known.size;
    known.set(id, { shape, dtype, values });
    return id;
  };
  const upload = (id: number): number => {
    const standIn = known.get(id);
    if (standIn === undefined) return id;
    const values = standIn.values();
    return takingMemory("to record a step", values.byteLength, () =>
      binding.createTensor([...standIn.shape], standIn.dtype, values),
    );
  };
  return {
    make,
    outputs: (op, inputs, count) =>
      told(op, inputs, count)?.map(({ shape, dtype }) => ({
        ...{ id: make(shape, dtype), shape, dtype },
      })),
    withReal(ids, run) {
      const real: number[] = [];
      try {
        for (const id of ids) real.push(upload(id));
        return run(real);
      } finally {
        real.forEach((id, i) => {
          if (id !== ids[i]) binding.deleteTensor(id);
        });
      }
    },
  };
}
