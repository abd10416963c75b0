import { sizeOf } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { crossEntropy } from "#pefd/distill/parts/losses.js";
import { gradientsOf } from "#pefd/learn/learner.js";
import { type BuiltModel, buildModel } from "#pefd/models/build.js";
import { isParameter, toPyTorchLayout } from "#pefd/nn/builder.js";
import { featureList, type ModelOutput, type StateEntry } from "#pefd/nn/model.js";
import {
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Update,
  type Variable,
} from "#pefd/runtime/tf.js";
import { type Bound, type Check, checkNumber, checkNumbers, withinSpread } from "./comparison.js";
import { execute, result } from "./execute.js";
import { formulaFill } from "./formula.js";
import { checkGradients } from "./gradientCheck.js";
import { channelsFirst, imagesFeed, oneHotFeed } from "./inputs.js";
import { checkLayout, checkStateValues } from "./layoutCheck.js";
import type { ModelGolden, NormState, TensorSummary } from "./schema.js";
import { checkSummary, type HostTensor } from "./summary.js";

/** A model's features (featureList) before the last ReLUs. */
const listBeforeRelu = ({ stem, maps, pooled }: ModelOutput): Tensor[] => [
  ...[...(stem === undefined ? [] : [stem]), ...maps].map(({ beforeRelu }) => beforeRelu),
  pooled,
];

export type Results = Readonly<Record<string, HostTensor>>;

/**
 * Compares one model with the reference: layout of its state, evaluation, and one training pass with gradients.
 * @throws inputError for a model that the registry does not have
 */
export function checkModel(golden: ModelGolden, engine: EngineName): Check[] {
  const model = buildModel(golden.name, golden.numClasses, formulaFill());
  return checkBuilt(model, golden, () => [
    ...checkEvaluation(golden, evaluate(model, golden, engine)),
    ...checkTraining(model.state, golden, train(model, golden, engine)),
  ]);
}

/** Compares a model's layout and, where that holds, its values and what `compute` gives; then the model is disposed of. */
export function checkBuilt(
  { state }: BuiltModel,
  golden: Pick<ModelGolden, "stateDict" | "paramCount" | "stateCheck">,
  compute: () => readonly Check[],
): Check[] {
  try {
    const layout = checkLayout(state, golden);
    if (layout.some((check) => check.mismatch !== undefined)) return layout;
    return [...layout, ...checkStateValues(state, golden), ...compute()];
  } finally {
    for (const { variable } of state) variable?.dispose();
  }
}

export const variablesOf = ({ state }: BuiltModel): Variable[] =>
  state.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));

export const numbered = (prefix: string, tensors: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(tensors.map((tensor, i) => [`${prefix}${i}`, tensor]));

function evaluate(model: BuiltModel, golden: ModelGolden, engine: EngineName): Results {
  return execute(engine, {
    variables: variablesOf(model),
    feeds: { images: imagesFeed(golden.input) },
    describe: ({ images }) => {
      const output = model.forward(images as Tensor4D, { training: false, updates: [] });
      return {
        logits: output.logits,
        ...numbered("features", featureList(output)),
        ...numbered("featuresPreact", listBeforeRelu(output)),
      };
    },
  });
}

function checkEvaluation({ eval: expected, spread }: ModelGolden, results: Results): Check[] {
  const logits = withinSpread(spread.evalLogitsMaxAbs);
  return [
    checkNumbers("eval.logits", result(results, "logits").values, expected.logits.flat(), logits),
    ...checkFeatures("features", results, expected.features, spread.evalFeatureMaxAbs),
    ...checkFeatures("featuresPreact", results, expected.featuresPreact, spread.evalFeatureMaxAbs),
  ];
}

function checkFeatures(list: string, results: Results, expected: readonly TensorSummary[], spread: number): Check[] {
  const count = Object.keys(results).filter((name) => new RegExp(`^${list}\\d+$`).test(name)).length;
  const counted = checkNumber(`eval.${list} length`, count, expected.length, () => 0);
  if (counted.error > 0) return [counted];
  return expected.flatMap((summary, i) => {
    const bounds = {
      element: withinSpread(spread),
      norm: withinSpread(spread * Math.sqrt(sizeOf(summary.shape))),
    };
    const actual = channelsFirst(result(results, `${list}${i}`));
    return checkSummary(`eval.${list}[${i}]`, actual, summary, bounds);
  });
}

/** The second labels are what the head of a distillation token learns; each head's loss counts half then. */
type TwoLabels = { readonly labelsDist?: readonly number[] | undefined };

/** One forward and backward pass in training mode. Gradients and statistics go by the state's own names. */
export function train(
  model: BuiltModel,
  { input, numClasses }: Pick<ModelGolden, "input" | "numClasses"> & { readonly input: TwoLabels },
  engine: EngineName,
): Results {
  const parameters = model.state.filter((entry) => isParameter(entry.role));
  return execute(engine, {
    variables: variablesOf(model),
    feeds: {
      images: imagesFeed(input),
      oneHot: oneHotFeed(input.labels, numClasses),
      second: oneHotFeed(input.labelsDist ?? input.labels, numClasses),
    },
    describe: ({ images, oneHot, second }) => {
      const { loss, gradients, kept } = gradientsOf(
        () => {
          const updates: Update[] = [];
          const { logits, heads } = model.forward(images as Tensor4D, { training: true, updates });
          const outputs = heads === undefined ? [logits] : [heads.labels, heads.teacher];
          const losses = outputs.map((each, i) => crossEntropy(each, (i === 0 ? oneHot : second) as Tensor2D));
          return {
            loss: tf.div(tf.addN(losses), losses.length) as Scalar,
            kept: { logits, outputs, updates },
            tensors: [logits, ...outputs, ...updates.map(([, value]) => value)],
          };
        },
        parameters.map((entry) => entry.variable as Variable),
      );
      return {
        loss,
        logits: kept.logits,
        ...numbered("head", kept.outputs),
        ...Object.fromEntries(parameters.map(({ name }, i) => [name, gradients[i] as Tensor])),
        ...namedUpdates(model.state, kept.updates),
      };
    },
  });
}

const namedUpdates = (state: readonly StateEntry[], updates: readonly Update[]): Record<string, Tensor> => {
  const names = new Map(state.map(({ name, variable }) => [variable, name]));
  return Object.fromEntries(updates.map(([variable, value]) => [names.get(variable) as string, value]));
};

/** Gradients of a training pass by parameter, in PyTorch's layout. */
export const gradientsIn = (state: readonly StateEntry[], results: Results): Map<string, Float32Array> =>
  new Map(
    state
      .filter(({ role }) => isParameter(role))
      .map(({ name, role, shape }) => [name, toPyTorchLayout(role, result(results, name).values, shape)]),
  );

function checkTraining(state: readonly StateEntry[], golden: ModelGolden, results: Results): Check[] {
  const { train: expected, spread } = golden;
  const logits = withinSpread(spread.trainLogitsMaxAbs);
  const loss = withinSpread(spread.ceLossAbs);
  return [
    checkNumbers("train.logits", result(results, "logits").values, expected.logits.flat(), logits),
    checkNumber("train.ceLoss", result(results, "loss").values[0] as number, expected.ceLoss, loss),
    ...checkStatistics(Object.values(expected.runningMeanAfter), logits, results),
    ...checkGradients(
      {
        stateDict: golden.stateDict,
        norms: expected.gradL2,
        zero: expected.gradZero,
        first4: expected.gradFirst4,
        spread: { norm: spread.gradL2MaxRel, zero: spread.gradZeroL2Max, elements: spread.gradFirst4MaxAbs },
      },
      gradientsIn(state, results),
    ),
  ];
}

/** Compares the first running means and variances of some batch normalisations after a training pass. */
export const checkStatistics = (norms: readonly NormState[], bound: Bound, results: Results): Check[] =>
  norms.flatMap(({ name, runningMean, runningVar }) =>
    (
      [
        ["running_mean", runningMean],
        ["running_var", runningVar],
      ] as const
    ).map(([suffix, expected]) => {
      const key = `${name}.${suffix}`;
      const actual = result(results, key).values.subarray(0, expected.length);
      return checkNumbers(`train.${key}`, actual, expected, bound);
    }),
  );
