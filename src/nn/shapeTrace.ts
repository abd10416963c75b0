import { opNamed } from "../ops/ops.js";
import type { NativeAttribute } from "../runtime/native.js";
import { type Tensor, type Tensor4D, type Variable, withFakeTensorFlow } from "../runtime/tf.js";
import type { ModelBuilder } from "./builder.js";
import { runForward } from "./defineOp.js";
import { type ForwardContext, featureList, type Insertion, type ModelOutput, type StateEntry } from "./model.js";

/** A tensor of which only the shape is known, and the values where it is a list of sizes or axes. */
type Shaped = { readonly shape: number[]; readonly values?: readonly number[] };

type WorkCounter = { multiplyAdds: number };

const listOf = (values: readonly number[]): Shaped => ({ shape: [values.length], values });

/** Inferred shapes of a native op's outputs. @throws RangeError where they cannot be inferred */
function outputsOf(
  work: WorkCounter,
  name: string,
  inputs: readonly Shaped[],
  attributes: Readonly<Record<string, unknown>>,
): Shaped[] {
  const op = opNamed(name);
  const given = inputs.map(({ shape }) => shape);
  const shapes = op?.shapes?.({
    shapes: given,
    constant: (index) => inputs[index]?.values,
    attribute: (key) => attributes[key],
  });
  if (shapes === undefined) {
    throw new RangeError(`${name} has no outputs for [${given.map(String).join("], [")}].`);
  }
  work.multiplyAdds += op?.multiplyAdds?.(given, shapes[0] as readonly number[]) ?? 0;
  return shapes.map((shape) => ({ shape: [...shape] }));
}

/** Windows and strides are square. */
const windowOf = (size: number, stride: number) => ({
  ksize: [1, size, size, 1],
  strides: [1, stride, stride, 1],
  padding: "VALID",
});

/** Binary functions, of tensors or numbers, by TensorFlow's name of the op. */
const BINARY = {
  add: "AddV2",
  sub: "Sub",
  mul: "Mul",
  div: "RealDiv",
  maximum: "Maximum",
  minimum: "Minimum",
  squaredDifference: "SquaredDifference",
} as const;

const UNARY = {
  abs: "Abs",
  exp: "Exp",
  log: "Log",
  neg: "Neg",
  sigmoid: "Sigmoid",
  sign: "Sign",
  sqrt: "Sqrt",
  rsqrt: "Rsqrt",
  square: "Square",
  tanh: "Tanh",
  erf: "Erf",
} as const;

const mapped = <Name extends string, Value>(names: Readonly<Record<Name, string>>, make: (op: string) => Value) =>
  Object.fromEntries(Object.entries<string>(names).map(([name, op]) => [name, make(op)]));

const operand = (x: Shaped | number): Shaped => (typeof x === "number" ? { shape: [] } : x);

/** Any other function throws a helpful error, for users' own models. */
const nothingElse = <Known extends object>(known: Known): Known =>
  new Proxy(known, {
    get(target, name) {
      if (typeof name === "symbol" || Object.hasOwn(target, name)) return Reflect.get(target, name);
      throw new Error(
        `A forward pass cannot use tf.${name}: its shapes are not known without running (nn/shapeTrace.ts).`,
      );
    },
  });

/** TensorFlow.js as models use it in evaluation mode, with shape inference only. @param work counts up while ops run */
function shapeTensorFlow(work: WorkCounter) {
  const run = (name: string, inputs: Shaped[], attributes = {}): Shaped =>
    outputsOf(work, name, inputs, attributes)[0] as Shaped;
  const runNative = (name: string, attributes: NativeAttribute[], inputs: Shaped[]): Shaped[] => {
    const values = attributes.map(({ name: key, value }) => [key, value] as const);
    return outputsOf(work, name, inputs, Object.fromEntries(values));
  };
  return nothingElse({
    ...mapped(BINARY, (op) => (a: Shaped | number, b: Shaped | number) => run(op, [a, b].map(operand))),
    ...mapped(UNARY, (op) => (x: Shaped) => run(op, [x])),
    engine: () => ({
      runKernel: (name: string, inputs: Record<string, Shaped>, settings: object) =>
        runForward(name, inputs as unknown as Record<string, Tensor>, settings),
    }),
    backend: () => ({
      binding: {},
      isUsingGpuDevice: false,
      executeSingleOutput: (...call: Parameters<typeof runNative>) => runNative(...call)[0],
      executeMultipleOutputs: runNative,
    }),
    tensor1d: listOf,
    matMul: (a: Shaped, b: Shaped, turnA = false, turnB = false) =>
      a.shape.length === 2
        ? run("MatMul", [a, b], { transpose_a: turnA, transpose_b: turnB })
        : run("BatchMatMulV2", [a, b], { adj_x: turnA, adj_y: turnB }),
    mean: (x: Shaped, axes: number[]) => run("Mean", [x, listOf(axes)]),
    concat: (parts: Shaped[], axis: number) => run("ConcatV2", [...parts, listOf([axis])]),
    pad: (x: Shaped, sides: [number, number][]) => run("Pad", [x, listOf(sides.flat())]),
    split: (x: Shaped, parts: number, axis: number) =>
      Array.from({ length: parts }, () => ({ shape: x.shape.map((size, i) => (i === axis ? size / parts : size)) })),
    reshape: (x: Shaped, shape: number[]) => run("Reshape", [x, listOf(shape)]),
    transpose: (x: Shaped, axes: number[]) => run("Transpose", [x, listOf(axes)]),
    maxPool: (x: Shaped, size: number, stride: number) => run("MaxPool", [x], windowOf(size, stride)),
    avgPool: (x: Shaped, size: number, stride: number) => run("AvgPool", [x], windowOf(size, stride)),
  });
}

export interface ShapeTrace {
  readonly state: readonly StateEntry[];
  /** Shapes of the feature list for one image, [H, W, C] each and [C] for the last. */
  readonly features: readonly (readonly number[])[];
  /** The stem's among them, if the model has one. */
  readonly stem: readonly number[] | undefined;
  /** Those of the stages' maps among them. */
  readonly maps: readonly (readonly number[])[];
  /** [H, W, C] of the map after which layers can be inserted. */
  readonly lastMap: readonly number[];
  /** Names of the batch normalisations before the maps' last ReLUs; none where the family has none. */
  readonly norms: readonly string[];
  /** FMAs of convolutions and linear layers, for one image. */
  readonly multiplyAdds: number;
}

/** Makes the layers of a model and runs them on one image. */
type Describe = (builder: ModelBuilder) => {
  readonly norms?: readonly string[];
  forward(images: Tensor4D, context: ForwardContext): ModelOutput;
};

/** A builder whose variables are shapes only; it works only inside withFakeTensorFlow. */
const shapeBuilder = (): ModelBuilder => ({
  scope: "shapes",
  makeVariable: (_, shape) => ({ shape: [...shape] }) as Shaped as Variable,
  state: [],
  folds: [],
});

/** Makes layers without values. @returns them and their state */
export const traceLayers = <Made>(make: (builder: ModelBuilder) => Made) =>
  withFakeTensorFlow(shapeTensorFlow({ multiplyAdds: 0 }), () => {
    const builder = shapeBuilder();
    return { made: make(builder), state: builder.state as readonly StateEntry[] };
  });

/** Shape inference through a model in evaluation mode, for a square image, without the native library. */
export function traceShapes(describe: Describe, imageSize: number): ShapeTrace {
  const work = { multiplyAdds: 0 };
  return withFakeTensorFlow(shapeTensorFlow(work), () => {
    const builder = shapeBuilder();
    const images = { shape: [1, imageSize, imageSize, 3] } as Shaped as Tensor4D;
    let lastMap: readonly number[] = [];
    const insertion: Insertion = (map) => {
      lastMap = map.shape.slice(1);
      return { out: map, inserted: map };
    };
    const context: ForwardContext = { training: false, updates: [], insertion };
    const { norms = [], forward } = describe(builder);
    const output = forward(images, context);
    return {
      state: builder.state,
      features: featureList(output).map(({ shape }) => shape.slice(1)),
      stem: output.stem?.out.shape.slice(1),
      maps: output.maps.map(({ out }) => out.shape.slice(1)),
      lastMap,
      norms,
      multiplyAdds: work.multiplyAdds,
    };
  });
}
