import { createHash } from "node:crypto";
import { z } from "zod";
import { permute4 } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { binaryCrossEntropy, crossEntropy } from "#pefd/distill/parts/losses.js";
import { oneHotLabels } from "#pefd/learn/metrics.js";
import { drawMix, MIX_COLUMNS, type MixingRandom, mixed, mixedImages, targetsOf } from "#pefd/learn/mixing.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { absent, type Check, checkNumber, checkNumbers, checkSame, withinSpread } from "../comparison.js";
import { execute, type Feed, result } from "../execute.js";
import { formulaValues, signedValue, unitValue } from "../formula.js";
import { channelsFirst, imagesFeed, oneHotFeed } from "../inputs.js";
import { summary } from "../schema.js";
import { checkSummary, type HostTensor } from "../summary.js";

const call = z.tuple([z.string(), z.union([z.number(), z.array(z.number())])]);
const boxes = z.array(z.object({ box: z.array(z.int()), lam: z.number() }));
const several = z.union([z.number(), z.array(z.number())]);
const switches = z.union([z.boolean(), z.array(z.boolean())]);
const rows = z.array(z.array(z.number()));
const drawn = { lamDrawn: several, cutmix: switches, boxes };
const settings = z.looseObject({
  mixup_alpha: z.number().optional(),
  cutmix_alpha: z.number().optional(),
  cutmix_minmax: z.array(z.number()).optional(),
  label_smoothing: z.number().optional(),
  prob: z.number().optional(),
  mode: z.enum(["batch", "pair", "elem"]).optional(),
  correct_lam: z.boolean().optional(),
});

/** mixing.json: mixup and cutmix of float batches (cases) and of bytes (collate). */
export const mixingSchema = z.object({
  input: z.object({
    k: z.int(),
    shape: z.array(z.int()),
    scale: z.number(),
    labels: z.array(z.int()),
    numClasses: z.int(),
  }),
  cases: z.record(
    z.string(),
    z.object({
      arguments: settings,
      draws: z.object({ ...drawn, calls: z.array(call) }),
      images: z.array(z.object({ l2: z.number(), first8: z.array(z.number()), probe8: z.array(z.number()) })),
      row5OfImage0Channel0: z.array(z.number()),
      targets: rows,
      spread: z.object({ imagesMaxAbs: z.number(), targetsMaxAbs: z.number() }),
    }),
  ),
  collate: z.object({
    pictures: z.array(z.int()),
    labels: z.array(z.int()),
    cases: z.array(
      z.object({
        arguments: settings,
        draws: z.object(drawn),
        targets: rows,
        sha256ofCHW: z.array(z.string()),
        probe8: rows,
      }),
    ),
  }),
});

type Settings = z.infer<typeof settings>;

/** Defaults of timm's Mixup class. */
const optionsOf = ({ mixup_alpha = 1, cutmix_alpha = 0, cutmix_minmax, prob = 1, mode = "batch" }: Settings) => ({
  mixup: mixup_alpha,
  cutmix: cutmix_alpha,
  cutmix_minmax,
  mixup_prob: prob,
  mixup_switch_prob: 0.5,
  mixup_mode: mode,
});

const smoothingOf = ({ label_smoothing = 0.1 }: Settings): number => label_smoothing;

/** numpy's calls as recorded, in their order. */
function replayed(calls: readonly z.infer<typeof call>[]): MixingRandom {
  const left = calls.map(([kind, values]) => ({ kind, values: [values].flat() }));
  const next = (kind: string): number => {
    const found = left[0];
    if (found?.kind !== kind) throw new Error(`${kind} was drawn where the file has ${found?.kind}.`);
    const value = found.values.shift() as number;
    if (found.values.length === 0) left.shift();
    return value;
  };
  return { uniform: () => next("rand"), beta: () => next("beta"), integer: () => next("randint") };
}

/** A mix of given lambdas and boxes. */
function givenMix(
  count: number,
  {
    lamDrawn,
    cutmix,
    boxes: given,
  }: { lamDrawn: number | number[]; cutmix: boolean | boolean[]; boxes: z.infer<typeof boxes> },
): Float32Array {
  const [lambdas, cuts] = [[lamDrawn].flat(), [cutmix].flat()];
  const left = [...given];
  const rowsOf = lambdas.map((lambda, i) => {
    if (lambda === 1) return [1, 0, 0, 0, 0, 0];
    if (!cuts[i]) return [lambda, 1 - lambda, 0, 0, 0, 0];
    const { box, lam } = left.shift() as { box: number[]; lam: number };
    return [lam, 1 - lam, ...box];
  });
  const at = (i: number) => (rowsOf.length === count ? i : Math.min(i, count - 1 - i, rowsOf.length - 1));
  return Float32Array.from(Array.from({ length: count }, (_, i) => rowsOf[at(i)] as number[]).flat());
}

const SIDE = 32;

/** The file's pictures, HWC bytes. */
const PICTURES: readonly ((x: number, y: number, c: number) => number)[] = [
  (x, y, c) => Math.floor(unitValue(8501, (y * SIDE + x) * 3 + c) * 256),
  (x, y, c) => [8 * x, 8 * y, 4 * x + 4 * y][c] as number,
  (x, y, c) => 96 + Math.floor(unitValue(8503, ((y >> 3) * 4 + (x >> 3)) * 3 + c) * 64),
];

const pictureBytes = (which: number): Uint8Array =>
  Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) =>
    (PICTURES[which] as (typeof PICTURES)[number])(Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE), i % 3),
  );

export function checkMixing({ input, cases, collate }: z.infer<typeof mixingSchema>, engine: EngineName): Check[] {
  const [count = 0, channels = 3, height = 8, width = 8] = input.shape;
  const floats = Object.entries(cases).flatMap(([key, golden]) => {
    const { arguments: told, draws, spread } = golden;
    // timm's switch that keeps the drawn lambda for the labels is no flag of its train.py.
    if (told.correct_lam === false) return [absent(key)];
    const mix = drawMix(replayed(draws.calls), count, { height, width }, optionsOf(told));
    const found = execute(engine, {
      variables: [],
      feeds: {
        images: imagesFeed(input),
        mix: { shape: [count, MIX_COLUMNS], dtype: "float32", values: mix },
        oneHot: oneHotFeed(input.labels, input.numClasses),
      },
      describe: ({ images, mix: drawnMix, oneHot }) => ({
        images: mixed(images as Tensor4D, drawnMix as Tensor),
        targets: targetsOf(oneHot as Tensor2D, smoothingOf(told), drawnMix),
      }),
    });
    const images = channelsFirst(result(found, "images"));
    const size = channels * height * width;
    const bound = withinSpread(spread.imagesMaxAbs);
    return [
      ...golden.images.flatMap((expected, i) => {
        const one: HostTensor = {
          shape: [channels, height, width],
          values: images.values.subarray(i * size, (i + 1) * size),
        };
        const described = { ...expected, shape: [channels, height, width] };
        return checkSummary(`${key} image ${i}`, one, described, { element: bound, norm: bound });
      }),
      checkNumbers(
        `${key} targets`,
        result(found, "targets").values,
        golden.targets.flat(),
        withinSpread(spread.targetsMaxAbs),
      ),
    ];
  });
  return [...floats, ...collate.cases.flatMap((one, i) => checkCollated(`collate ${i}`, one, collate, engine))];
}

const NORMALIZATION = { mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761] } as const;

/** Mixed bytes, through the normalisation of CIFAR-100 and back. */
function checkCollated(
  key: string,
  golden: z.infer<typeof mixingSchema>["collate"]["cases"][number],
  { pictures, labels }: { readonly pictures: readonly number[]; readonly labels: readonly number[] },
  engine: EngineName,
): Check[] {
  const count = pictures.length;
  const [mean, deviation] = [NORMALIZATION.mean, NORMALIZATION.deviation] as [readonly number[], readonly number[]];
  const bytes = pictures.flatMap((which) => [...pictureBytes(which)]);
  const values = Float32Array.from(
    bytes,
    (byte, i) => (byte / 255 - (mean[i % 3] as number)) / (deviation[i % 3] as number),
  );
  const feeds: Record<string, Feed> = {
    images: { shape: [count, SIDE, SIDE, 3], dtype: "float32", values },
    mix: { shape: [count, MIX_COLUMNS], dtype: "float32", values: givenMix(count, golden.draws) },
    oneHot: oneHotFeed(labels, (golden.targets[0] as number[]).length),
  };
  const format = {
    height: SIDE,
    width: SIDE,
    channels: 3,
    normalization: NORMALIZATION,
    augmentation: { kind: "shift", padding: 4 },
  } as const;
  const found = execute(engine, {
    variables: [],
    feeds,
    describe: ({ images, mix, oneHot }) => ({
      images: mixedImages(images as Tensor4D, mix as Tensor, format, true),
      targets: targetsOf(oneHot as Tensor2D, smoothingOf(golden.arguments), mix),
    }),
  });
  const after = result(found, "images").values.map((value, i) =>
    Math.round((value * (deviation[i % 3] as number) + (mean[i % 3] as number)) * 255),
  );
  const size = SIDE * SIDE * 3;
  return [
    ...golden.sha256ofCHW.map((expected, i) => {
      const planes = permute4(after.slice(i * size, (i + 1) * size), [1, SIDE, SIDE, 3], [0, 3, 1, 2]);
      return checkSame(
        `${key} picture ${i}`,
        createHash("sha256").update(Uint8Array.from(planes)).digest("hex"),
        expected,
      );
    }),
    checkNumbers(`${key} targets`, result(found, "targets").values, golden.targets.flat(), withinSpread(0)),
  ];
}

const value = z.object({ value: z.number(), gradLogits: summary });

/** criteria.json: losses of soft and smoothed labels. */
export const criteriaSchema = z.object({
  versions: z.record(z.string(), z.string()),
  inputs: z.object({
    labels: z.array(z.int()),
    logits: z.object({ k: z.int(), shape: z.array(z.int()), scale: z.number() }),
  }),
  losses: z.record(z.string(), value),
  spreadMaxAbs: z.record(z.string(), z.number()),
});

type Criterion = (logits: Tensor2D, oneHot: Tensor2D) => Scalar;

const LAMBDA = 0.3;
/** timm's mixup_target: half of the labels are those of the batch reversed. */
const softTargets = (oneHot: Tensor2D, smoothing = 0.1): Tensor2D =>
  targetsOf(
    oneHot,
    smoothing,
    tf.tensor2d(Array.from({ length: oneHot.shape[0] }, () => [LAMBDA, 1 - LAMBDA, 0, 0, 0, 0])),
  );

const CRITERIA: Readonly<Record<string, Criterion>> = {
  "torch_ce_smoothing_0.1": (logits, oneHot) => crossEntropy(logits, targetsOf(oneHot, 0.1, undefined)),
  "timm_label_smoothing_0.1": (logits, oneHot) => crossEntropy(logits, targetsOf(oneHot, 0.1, undefined)),
  "timm_label_smoothing_0.3": (logits, oneHot) => crossEntropy(logits, targetsOf(oneHot, 0.3, undefined)),
  soft_target_ce: (logits, oneHot) => crossEntropy(logits, softTargets(oneHot)),
  torch_ce_probabilities: (logits, oneHot) => crossEntropy(logits, softTargets(oneHot)),
  "bce_labels_smoothing_0.1": (logits, oneHot) => binaryCrossEntropy(logits, targetsOf(oneHot, 0.1, undefined)),
  bce_labels_smoothing_0: (logits, oneHot) => binaryCrossEntropy(logits, oneHot),
  bce_labels_sum: (logits, oneHot) => binaryCrossEntropy(logits, targetsOf(oneHot, 0.1, undefined), { sum: true }),
  bce_soft: (logits, oneHot) => binaryCrossEntropy(logits, softTargets(oneHot)),
  "bce_soft_threshold_0.2": (logits, oneHot) => binaryCrossEntropy(logits, softTargets(oneHot), { threshold: 0.2 }),
  bce_soft_sum: (logits, oneHot) => binaryCrossEntropy(logits, softTargets(oneHot), { sum: true }),
};

export function checkCriteria(
  { inputs, losses, spreadMaxAbs }: z.infer<typeof criteriaSchema>,
  engine: EngineName,
): Check[] {
  const { k, shape, scale } = inputs.logits;
  const classes = shape[1] as number;
  const feeds: Record<string, Feed> = {
    logits: { shape, dtype: "float32", values: formulaValues(shape, (i) => signedValue(k, i) * scale) },
    labels: { shape: [inputs.labels.length], dtype: "int32", values: Int32Array.from(inputs.labels) },
  };
  return Object.entries(losses).flatMap(([key, expected]) => {
    const criterion = CRITERIA[key];
    if (criterion === undefined) return [absent(key)];
    const found = execute(engine, {
      feeds,
      variables: [],
      describe({ logits, labels }) {
        const oneHot = oneHotLabels(labels as Tensor1D, classes);
        const { value: loss, grad } = tf.valueAndGrad((x) => criterion(x as Tensor2D, oneHot))(logits as Tensor);
        return { loss, grad };
      },
    });
    const bound = withinSpread(spreadMaxAbs[key] as number);
    return [
      checkNumber(`${key} value`, result(found, "loss").values[0] as number, expected.value, bound),
      ...checkSummary(`${key} gradient`, result(found, "grad"), expected.gradLogits, { element: bound, norm: bound }),
    ];
  });
}
