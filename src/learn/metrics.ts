import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tf,
  type Update,
  type Variable,
} from "../runtime/tf.js";

/** @returns [N, classes] float32 */
export const oneHotLabels = (labels: Tensor1D, numClasses: number): Tensor2D => {
  const classes = tf.range(0, numClasses, 1, "int32");
  const rows = tf.reshape(labels, [-1, 1]);
  return tf.cast(tf.equal(rows, classes), "float32") as Tensor2D;
};

/** createMetrics with a confusion matrix. */
export const createDetailedMetrics = (numClasses: number): MetricsVariables => ({
  ...createMetrics(),
  confusion: tf.tidy(() => tf.variable(tf.zeros([numClasses, numClasses]), false)),
});

/**
 * Adds a batch of logits [N, C] to a confusion matrix [C, C], labels by predictions, whose diagonal agrees with top-1.
 * Counts of up to 256 images are exact in bfloat16.
 * @param counted [N], 0 for padding, else 1
 */
export function confusionUpdate(confusion: Variable, logits: Tensor2D, oneHot: Tensor2D, counted: Tensor1D): Update {
  const highest = oneHotLabels(tf.argMax(logits, 1) as Tensor1D, logits.shape[1]);
  const isHit = tf.reshape(tf.less(labelRanks(logits, oneHot), 1), [-1, 1]);
  const hit = tf.cast(isHit, "float32"); // [N, 1]
  const prediction = tf.add(tf.mul(hit, oneHot), tf.mul(tf.sub(1, hit), highest));
  const labels = tf.mul(oneHot, tf.reshape(counted, [-1, 1]));
  const batch = tf.matMul(labels as Tensor2D, prediction as Tensor2D, true, false);
  return [confusion, tf.add(confusion, batch)];
}

/** Sums over images, within the program until read. */
export interface MetricsVariables {
  /** [4]: losses, top-1 hits, top-5 hits, images. */
  readonly total: Variable;
  /** [terms]: sums weighted by batch size; only for several terms. */
  readonly terms?: Variable;
  /** [classes, classes]: images by label and prediction, if requested. */
  readonly confusion?: Variable;
}

/** Means: the loss, and accuracies in percent. */
export type Metrics = { readonly loss: number; readonly top1: number; readonly top5: number };

export interface Evaluation extends Metrics {
  /** [classes * classes], labels (rows) by predictions (columns). */
  readonly confusion?: Float32Array;
}

const zeros = (shape: number[]): Variable => tf.tidy(() => tf.variable(tf.zeros(shape), false));

const TOTALS = 4;

/** Zero sums. @param terms separately summed terms of the loss */
export const createMetrics = (terms = 0): MetricsVariables => ({
  total: zeros([TOTALS]),
  ...(terms > 0 && { terms: zeros([terms]) }),
});

/** Adds a batch to the sums of terms. @param values scalar means over so many images */
export function termsUpdate(terms: Variable, values: readonly Scalar[], images: number): Update {
  return [terms, tf.add(terms, tf.mul(tf.stack([...values]), images))];
}

/** The sums of an interrupted epoch, for resuming. */
export const metricsSums = ({ total, terms }: MetricsVariables): number[] => [
  ...total.dataSync(),
  ...(terms?.dataSync() ?? []),
];

/** Means of terms by name. */
export function readTerms(
  { total, terms }: MetricsVariables,
  names: readonly string[],
): Readonly<Record<string, number>> | undefined {
  if (terms === undefined) return undefined;
  const images = total.dataSync()[TOTALS - 1] as number;
  const sums = terms.dataSync();
  return Object.fromEntries(names.map((name, i) => [name, (sums[i] as number) / images]));
}

/** Adds a batch of logits [N, C] to the sums. @param loss mean over images with `counted` (default: all) of 1 */
export function metricsUpdate(
  { total }: MetricsVariables,
  loss: Tensor,
  logits: Tensor2D,
  oneHot: Tensor2D,
  counted?: Tensor1D,
): Update {
  const images = counted === undefined ? tf.scalar(logits.shape[0]) : tf.sum(counted);
  const ranks = labelRanks(logits, oneHot);
  const within = (places: number): Tensor => {
    const hits = tf.cast(tf.less(ranks, places), "float32");
    return tf.sum(counted === undefined ? hits : tf.mul(hits, counted));
  };
  const batch = tf.stack([tf.mul(loss, images), within(1), within(5), images] as Scalar[]);
  return [total, tf.add(total, batch)];
}

/** Rank of the label [N]: other classes whose logit is not less; NaN logits rank last. */
export function labelRanks(logits: Tensor2D, oneHot: Tensor2D): Tensor1D {
  const own = tf.sum(tf.mul(logits, oneHot), 1, true); // [N, 1]
  const below = tf.sum(tf.cast(tf.lessEqual(logits, own), "float32"), 1);
  return tf.sub(logits.shape[1], below) as Tensor1D;
}

/** Means, and the number of images. */
export function readMetrics({ total }: MetricsVariables): Metrics & { readonly images: number } {
  const [loss, top1, top5, images] = total.dataSync() as unknown as [number, number, number, number];
  return { loss: loss / images, top1: (100 * top1) / images, top5: (100 * top5) / images, images };
}

/** Sets the sums, zero by default, at the next push. */
export const setMetrics = ({ total, terms, confusion }: MetricsVariables, sums: readonly number[]): void =>
  tf.tidy(() => {
    const set = (variable: Variable, from: number) => {
      const values = Array.from({ length: variable.size }, (_, i) => sums[from + i] ?? 0);
      variable.assign(tf.tensor(values, variable.shape, "float32"));
    };
    set(total, 0);
    if (terms !== undefined) set(terms, TOTALS);
    // A host array, copied to a GPU at the push.
    confusion?.assign(tf.tensor(new Float32Array(confusion.size), confusion.shape));
  });
