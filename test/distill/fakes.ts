import { PefdError } from "#pefd/common/errors.js";
import { createRandom } from "#pefd/common/random.js";
import { sizeOf } from "#pefd/common/shapes.js";
import type { FeatureShapes, Method, Pair, StepContext } from "#pefd/distill/method.js";
import { type OpenedMethod, openMethod } from "#pefd/distill/open.js";
import { seenOutput } from "#pefd/distill/views.js";
import { createBuilder } from "#pefd/nn/builder.js";
import { batchNorm, linear } from "#pefd/nn/layers.js";
import type { ModelOutput, StateEntry } from "#pefd/nn/model.js";
import { type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { formulaFill } from "../golden/compare/formula.js";

const [IMAGES, CLASSES] = [4, 5];

/** A student and a teacher of unequal widths, as shapes: whatever a method looks at is there. */
export const fakePair = (): Pair => ({
  student: shapes([4, 6, 6], 6),
  teacher: shapes([4, 5, 8], 8),
  numClasses: CLASSES,
  labels: Array.from({ length: 10 }, (_, i) => i % CLASSES),
  batchSize: IMAGES,
});

/** The same, or two models of one width where the method refuses others. */
export function fittingPair(method: Method, told: object = {}): Pair {
  const pair = fakePair();
  try {
    for (const { variable } of opened(method, told, pair).state) variable?.dispose();
    return pair;
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { ...pair, teacher: pair.student };
  }
}

const shapes = (channels: readonly number[], pooled: number): FeatureShapes => ({
  stem: [8, 8, 4],
  maps: channels.map((width, i) => [8 >> i, 8 >> i, width]),
  lastMap: [2, 2, channels.at(-1) as number],
  norms: channels.map((_, i) => `norm${i}`),
  pooled,
  state: stateOf(channels, pooled),
  features: [],
});

const states = new Map<string, readonly StateEntry[]>();

/** The tensors of a model that methods look at, made once for each kind: normalisations of maps, and the last layer. */
function stateOf(channels: readonly number[], pooled: number): readonly StateEntry[] {
  const key = `${channels} ${pooled}`;
  const builder = createBuilder("fakes", formulaFill());
  if (!states.has(key)) {
    for (const [i, width] of channels.entries()) batchNorm(builder, `norm${i}`, width);
    linear(builder, "fc", pooled, CLASSES);
    states.set(key, builder.state);
  }
  return states.get(key) as readonly StateEntry[];
}

const random = createRandom(1, "fakes");

function fake<Kind extends Tensor>(...shape: readonly number[]): Kind {
  const values = Float32Array.from({ length: sizeOf(shape) }, () => random.uniform() + 0.1);
  return tf.tensor(values, [...shape], "float32") as Kind;
}

/** An output of the declared shapes. */
export function fakeOutput({ maps, pooled }: FeatureShapes): ModelOutput {
  const [height = 8, width = 8] = maps[0] ?? [];
  const map = (...shape: readonly number[]) => {
    const beforeRelu = tf.sub(fake(IMAGES, ...shape), 0.5);
    return { beforeRelu, out: tf.relu(beforeRelu) } as ModelOutput["maps"][number];
  };
  const all = maps.map((shape) => map(...shape));
  return {
    stem: map(height, width, 4),
    maps: all,
    averaged: all.at(-1)?.out as Tensor4D,
    pooled: fake(IMAGES, pooled),
    logits: fake(IMAGES, CLASSES),
  };
}

/** A method at work on a pair, with its options as by default but for some. */
export const opened = (method: Method, told: object = {}, pair = fakePair()): OpenedMethod =>
  openMethod(method, pair, told, formulaFill());

/** A student's output, with what the method's layers in it show. */
function fakeStudent({ insertion }: OpenedMethod, { student }: Pair): ModelOutput {
  const output = fakeOutput(student);
  const { inserted } = insertion?.(output.averaged as Tensor4D, { training: true, updates: [] }) ?? {};
  return { ...output, ...(inserted && { inserted }) };
}

/** One batch, as a method may see it. */
export function fakeStepContext(method: OpenedMethod, sees = method.sees, pair = fakePair()): StepContext {
  const labels = Int32Array.from({ length: IMAGES }, (_, i) => i);
  const step = { seed: 1, epoch: 1, step: 1, image: labels };
  const values = method.draws?.values(step) ?? {};
  const drawn = Object.entries(method.draws?.specs(IMAGES) ?? {}).map(([name, spec]) => {
    return [name, tf.tensor(values[name] as Float32Array, [...spec.shape], spec.dtype)];
  });
  const outputs = () => ({
    student: fakeStudent(method, pair),
    teacher: seenOutput(fakeOutput(pair.teacher), sees, pair.teacher.maps.length),
  });
  return {
    ...outputs(),
    strong: outputs(),
    images: fake(IMAGES, 32, 32, 3),
    labels: tf.tensor1d(labels, "int32"),
    image: tf.tensor1d(labels, "int32"),
    oneHot: tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES).toFloat() as StepContext["oneHot"],
    epoch: tf.scalar(1),
    drawn: Object.fromEntries(drawn),
  };
}

/** The terms of a method for some batch, those of its phases among them, as numbers. */
export function termsOf(method: OpenedMethod, at: StepContext): Record<string, number> {
  const context = () => ({ training: true, updates: [] });
  const parts = [
    method.terms(at, context()),
    ...(method.phases ?? []).map((phase) => phase.loss?.(at, context()) ?? {}),
  ];
  const terms = parts.flatMap((part) => Object.entries(part));
  return Object.fromEntries(terms.map(([name, term]) => [name, term?.dataSync()[0] as number]));
}
