import { createRandom, type Random } from "../common/random.js";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";

// Mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019), drawn and applied as timm 1.0.31 does: image i is
// mixed with image N - 1 - i of its batch.

export interface MixingOptions {
  /** Parameters of the beta distributions; 0 leaves a kind out. */
  readonly mixup: number;
  readonly cutmix: number;
  /** Least and largest share of height and width of a box, in place of cutmix's beta distribution. */
  readonly cutmix_minmax?: readonly number[] | undefined;
  readonly mixup_prob: number;
  readonly mixup_switch_prob: number;
  readonly mixup_mode: "batch" | "pair" | "elem";
}

/** What is drawn: timm's calls of numpy, in its order. */
export interface MixingRandom {
  uniform(): number;
  beta(alpha: number): number;
  /** In [from, to). */
  integer(from: number, to: number): number;
}

/** Numbers per image of a batch: lambda, 1 - lambda, and the box's top, bottom, left, right; 0 without a box. */
export const MIX_COLUMNS = 6;

const UNMIXED = [1, 0, 0, 0, 0, 0];

/** Gamma(alpha, 1). Marsaglia & Tsang, ACM TOMS 2000; their section 6 for alpha below 1. */
function gamma(random: Random, alpha: number): number {
  if (alpha < 1) return gamma(random, alpha + 1) * (1 - random.uniform()) ** (1 / alpha);
  const d = alpha - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < x ** 2 / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** The draws of a step: they follow from seed, epoch and step, so that nothing has to be kept of them. */
export function mixingRandom(seed: number, epoch: number, step: number): MixingRandom {
  const random = createRandom(seed, "mixing", epoch, step);
  return {
    uniform: random.uniform,
    integer: (from, to) => from + random.integer(Math.max(1, to - from)),
    beta(alpha) {
      const [a, b] = [gamma(random, alpha), gamma(random, alpha)];
      return a / (a + b);
    },
  };
}

/** Mean and deviation of channels, of values from 0 to 1. */
export interface Normalized {
  readonly normalization: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
}

type Side = { readonly height: number; readonly width: number };

/** A box of share 1 - lambda of the image about a random centre, cut at the border; or of a drawn size. */
function drawBox(random: MixingRandom, { height, width }: Side, lambda: number, minmax?: readonly number[]) {
  if (minmax !== undefined) {
    const [least = 0, most = 1] = minmax;
    const [tall, wide] = [height, width].map((side) =>
      random.integer(Math.floor(side * least), Math.floor(side * most)),
    ) as [number, number];
    const [top, left] = [random.integer(0, height - tall), random.integer(0, width - wide)];
    return [top, top + tall, left, left + wide] as const;
  }
  const ratio = Math.sqrt(1 - lambda);
  const range = (side: number): [number, number] => {
    const half = Math.floor(side * ratio) / 2;
    const centre = random.integer(0, side);
    return [Math.max(0, centre - Math.floor(half)), Math.min(side, centre + Math.ceil(half))];
  };
  return [...range(height), ...range(width)] as const;
}

/** The row of a mix; a box corrects lambda to the share that it leaves. */
function mixRow(random: MixingRandom, side: Side, lambda: number, cuts: boolean, { cutmix_minmax }: MixingOptions) {
  if (lambda === 1) return UNMIXED;
  if (!cuts) return [lambda, 1 - lambda, 0, 0, 0, 0];
  const box = drawBox(random, side, lambda, cutmix_minmax);
  const [top, bottom, left, right] = box;
  const kept = 1 - ((bottom - top) * (right - left)) / (side.height * side.width);
  return [kept, 1 - kept, ...box];
}

/** @returns [count * MIX_COLUMNS] */
export function drawMix(random: MixingRandom, count: number, side: Side, options: MixingOptions): Float32Array {
  const rows =
    options.mixup_mode === "batch" ? ofBatch(random, count, side, options) : ofEach(random, count, side, options);
  return Float32Array.from(rows.flat());
}

const kindsOf = ({ mixup, cutmix, cutmix_minmax }: MixingOptions) => {
  const beta = cutmix_minmax === undefined ? cutmix : 1;
  return { mixes: mixup > 0, cuts: beta > 0, beta };
};

function ofBatch(random: MixingRandom, count: number, side: Side, options: MixingOptions): (readonly number[])[] {
  const { mixes, cuts, beta } = kindsOf(options);
  let row: readonly number[] = UNMIXED;
  if (random.uniform() < options.mixup_prob) {
    const cutsNow = cuts && (!mixes || random.uniform() < options.mixup_switch_prob);
    row = mixRow(random, side, random.beta(cutsNow ? beta : options.mixup), cutsNow, options);
  }
  return Array.from({ length: count }, () => row);
}

/** Draws of each image, or of each pair of images, which share theirs; in float32, as timm's arrays. */
function ofEach(random: MixingRandom, count: number, side: Side, options: MixingOptions): (readonly number[])[] {
  const { mixes, cuts, beta } = kindsOf(options);
  const pairs = options.mixup_mode === "pair";
  const drawn = pairs ? Math.floor(count / 2) : count;
  const many = (draw: () => number): number[] => Array.from({ length: drawn }, draw);
  const both = mixes && cuts;
  const cut = both ? many(random.uniform).map((x) => x < options.mixup_switch_prob) : many(() => 0).map(() => cuts);
  const cutting = cuts ? many(() => random.beta(beta)) : [];
  const mixing = mixes ? many(() => random.beta(options.mixup)) : [];
  const applied = many(random.uniform).map((x) => x < options.mixup_prob);
  const rows = applied.map((isApplied, i): readonly number[] => {
    const lambda = isApplied ? Math.fround((cut[i] ? cutting[i] : mixing[i]) as number) : 1;
    return mixRow(random, side, lambda, cut[i] === true, options);
  });
  if (!pairs) return rows;
  return Array.from({ length: count }, (_, i) => rows[Math.min(i, count - 1 - i)] ?? UNMIXED);
}

/** Columns of a mix [N, MIX_COLUMNS] as [N, 1, ...], to be multiplied with a tensor of a rank. */
function columnsOf(mix: Tensor, rank: number): Tensor[] {
  const shape = [mix.shape[0] as number, ...Array(rank - 1).fill(1)];
  return Array.from({ length: MIX_COLUMNS }, (_, i) =>
    tf.reshape(tf.slice(mix, [0, i], [mix.shape[0] as number, 1]), shape),
  );
}

const float = (condition: Tensor): Tensor => tf.cast(condition, "float32");

/** Of values lambda x + (1 - lambda) x', or x' within a box and x outside of it. @param values [N, H, W, C] */
export function mixed(values: Tensor4D, mix: Tensor): Tensor4D {
  const [, height, width] = values.shape;
  const [lambda, rest, top, bottom, left, right] = columnsOf(mix, 4) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const down = tf.reshape(tf.range(0, height), [1, height, 1, 1]);
  const across = tf.reshape(tf.range(0, width), [1, 1, width, 1]);
  const rows = tf.logicalAnd(tf.greaterEqual(down, top), tf.less(down, bottom));
  const columns = tf.logicalAnd(tf.greaterEqual(across, left), tf.less(across, right));
  const inside = float(tf.logicalAnd(rows, columns)); // [N, H, W, 1]
  const cuts = float(tf.greater(bottom, top)); // [N, 1, 1, 1]
  const other = tf.add(inside, tf.mul(tf.sub(1, cuts), rest));
  const own = tf.add(tf.mul(cuts, tf.sub(1, inside)), tf.mul(tf.sub(1, cuts), lambda));
  return tf.add(tf.mul(values, own), tf.mul(tf.reverse(values, 0), other)) as Tensor4D;
}

/**
 * Mixed images, normalised [N, H, W, C].
 * @param asBytes whether bytes are mixed and rounded, half to even, before they are normalised, as timm's loader does;
 * else normalised images are, as DeiT does
 */
export function mixedImages(images: Tensor4D, mix: Tensor, { normalization }: Normalized, asBytes: boolean): Tensor4D {
  if (!asBytes) return mixed(images, mix);
  const [mean, deviation] = [normalization.mean, normalization.deviation].map((values) => tf.tensor1d([...values]));
  const bytes = tf.round(tf.mul(tf.add(tf.mul(images, deviation as Tensor), mean as Tensor), 255)) as Tensor4D;
  const values = tf.div(tf.round(mixed(bytes, mix)), 255);
  return tf.div(tf.sub(values, mean as Tensor), deviation as Tensor) as Tensor4D;
}

/** Smoothed labels: 1 - smoothing + smoothing / C for the class, else smoothing / C. @param oneHot [N, C] */
export const smoothed = (oneHot: Tensor2D, smoothing: number): Tensor2D =>
  smoothing === 0 ? oneHot : (tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / oneHot.shape[1]) as Tensor2D);

/** Smoothed labels of mixed images. @param mix none where images are not mixed */
export function targetsOf(oneHot: Tensor2D, smoothing: number, mix: Tensor | undefined): Tensor2D {
  const own = smoothed(oneHot, smoothing);
  if (mix === undefined) return own;
  const [lambda, rest] = columnsOf(mix, 2) as [Tensor, Tensor];
  return tf.add(tf.mul(own, lambda), tf.mul(tf.reverse(own, 0), rest)) as Tensor2D;
}
