import type { EngineName, FeedSpec, Feeds } from "#pefd/compile/types.js";
import { type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { openProgram } from "./engines.js";
import type { HostTensor } from "./summary.js";

/** A tensor that a calculation is given. */
export interface Feed extends FeedSpec {
  readonly values: Float32Array | Int32Array;
}

/** Something to be computed: pure, from its feeds and variables, under names to read it by. */
export interface Calculation {
  readonly feeds: Readonly<Record<string, Feed>>;
  /** Everything that it reads besides its feeds. */
  readonly variables: readonly Variable[];
  describe(feeds: Feeds): Readonly<Record<string, Tensor>>;
}

type Results = Record<string, HostTensor>;

/** Runs a calculation once. @returns what it computes, by name, in its own layout (NHWC) */
export function execute(engine: EngineName, calculation: Calculation): Results {
  const eager = executeEagerly(calculation);
  return engine === "eager" ? eager : executeCompiled(engine, calculation, eager);
}

const mapValues = <A, B>(from: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]));

const read = (tensor: Tensor): HostTensor => ({
  shape: tensor.shape,
  values: tensor.dataSync() as Float32Array,
});

function executeEagerly({ feeds, describe }: Calculation): Results {
  let results: Results = {};
  tf.tidy(() => {
    const tensors = mapValues(feeds, (feed) => tf.tensor(feed.values, [...feed.shape], feed.dtype));
    results = mapValues(describe(tensors), read);
  });
  return results;
}

/**
 * Programs have variables for results, so each result gets one.
 * @param like results of the right shapes
 */
function executeCompiled(engine: EngineName, { feeds, variables, describe }: Calculation, like: Results): Results {
  const outputs = mapValues(like, ({ shape }) => tf.tidy(() => tf.variable(tf.zeros([...shape]), false)));
  const step = (tensors: Feeds) =>
    Object.entries(describe(tensors)).map(([name, value]) => [outputs[name] as Variable, value] as const);
  const program = openProgram(engine, {
    name: "golden",
    entries: { all: { step, perStep: {}, shared: feeds, stepsPerCall: 1 } },
    variables: { inputs: variables, outputs: Object.values(outputs) },
    precision: "float32",
  });
  for (const group of ["inputs", "outputs"]) program.push(group);
  program.run(
    "all",
    mapValues(feeds, ({ values }) => values),
    1,
  );
  program.pull("outputs");
  const results = mapValues(outputs, read);
  program.dispose();
  for (const output of Object.values(outputs)) output.dispose();
  return results;
}

/** The result of a name. @throws Error if the calculation does not compute it */
export function result(results: Readonly<Results>, name: string): HostTensor {
  const tensor = results[name];
  if (tensor === undefined) throw new Error(`${name} was not computed.`);
  return tensor;
}
