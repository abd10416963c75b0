import { sizeOf } from "../../common/shapes.js";
import { standardOp } from "../../runtime/convolutions.js";
import { DT, type NativeBinding } from "../../runtime/native.js";

/** What shape rules may look at: the shapes of the inputs and the values of small host constants. */
export interface OpInputs {
  readonly shapes: readonly (readonly number[])[];
  /** Host values of an input, undefined when it was computed. */
  constant(index: number): readonly number[] | undefined;
  attribute(name: string): unknown;
}

/** Shapes of an op's outputs, or undefined where the rule cannot tell. */
type ShapeRule = (inputs: OpInputs) => readonly (readonly number[])[] | undefined;

const sameAsFirst: ShapeRule = ({ shapes }) => [shapes[0] as number[]];

/** Elementwise ops of two inputs, where no input needs broadcasting or one is a scalar. */
const elementwise: ShapeRule = ({ shapes }) => {
  const [a, b] = shapes as [readonly number[], readonly number[]];
  if (a.join() === b.join() || b.length === 0) return [a];
  return a.length === 0 ? [b] : undefined;
};

const sizesFrom =
  (index: number): ShapeRule =>
  ({ constant }) => {
    const sizes = constant(index);
    return sizes && [sizes];
  };

const matMul: ShapeRule = ({ shapes, attribute }) => {
  const [a, b] = shapes as [readonly number[], readonly number[]];
  if (a.length !== 2 || b.length !== 2) return undefined;
  const rows = attribute("transpose_a") ? a[1] : a[0];
  const columns = attribute("transpose_b") ? b[0] : b[1];
  return [[rows as number, columns as number]];
};

/** Output side of a convolution: floor((size + pads - kernel) / stride) + 1. */
const convolution =
  (channelsOf: (filter: readonly number[]) => number): ShapeRule =>
  ({ shapes, attribute }) => {
    const [x, filter] = shapes as [readonly number[], readonly number[]];
    const strides = attribute("strides") as number[];
    const padding = attribute("padding") as string;
    const pads = attribute("explicit_paddings") as number[];
    const side = (axis: number): number => {
      const size = x[axis] as number;
      const stride = strides[axis] as number;
      if (padding === "SAME") return Math.ceil(size / stride);
      const added =
        padding === "EXPLICIT" ? (pads[2 * axis] as number) + (pads[2 * axis + 1] as number) : 0;
      return Math.floor((size + added - (filter[axis - 1] as number)) / stride) + 1;
    };
    return [[x[0] as number, side(1), side(2), channelsOf(filter)]];
  };

const batchNorm: ShapeRule = ({ shapes }) => {
  const x = shapes[0] as readonly number[];
  const channels = [x[3] as number];
  // The sixth output is an empty tensor on a CPU and scratch space of cuDNN on a GPU; nobody looks at its shape.
  return [x, channels, channels, channels, channels, [0]];
};

const batchNormGradient: ShapeRule = ({ shapes }) => {
  const x = shapes[1] as readonly number[];
  const channels = [x[3] as number];
  return [x, channels, channels, [0], [0]];
};

/** The ops that make up nearly all of a step's arithmetic. */
const RULES: Readonly<Record<string, ShapeRule>> = {
  Conv2D: convolution((filter) => filter[3] as number),
  Conv2DBackpropInput: sizesFrom(0),
  Conv2DBackpropFilter: sizesFrom(1),
  DepthwiseConv2dNative: convolution((f) => (f[2] as number) * (f[3] as number)),
  DepthwiseConv2dNativeBackpropInput: sizesFrom(0),
  DepthwiseConv2dNativeBackpropFilter: sizesFrom(1),
  FusedBatchNormV3: batchNorm,
  FusedBatchNormGradV3: batchNormGradient,
  MatMul: matMul,
  BiasAdd: sameAsFirst,
  Relu: sameAsFirst,
  ReluGrad: sameAsFirst,
  Relu6: sameAsFirst,
  Relu6Grad: sameAsFirst,
  Identity: sameAsFirst,
  AddV2: elementwise,
  Sub: elementwise,
  Mul: elementwise,
};

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
      id = binding.createTensor([...shape], DT.float, new Float32Array(sizeOf(shape)));
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
      // Integers are few and cheap, and later ops may need their type.
      const shapes =
        inputs.attribute("T") === DT.float ? RULES[standardOp(op)]?.(inputs) : undefined;
      return shapes?.slice(0, count).map(alias);
    },
    dispose: () => {
      for (const id of zeros.values()) binding.deleteTensor(id);
    },
  };
}
