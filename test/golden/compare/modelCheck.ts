import { sizeOf } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { crossEntropy } from "#pefd/distill/parts/losses.js";
import { gradientsOf } from "#pefd/learn/learner.js";
import { type BuiltModel, buildModel } from "#pefd/models/build.js";
import { isCounter, isParameter, toPyTorchLayout } from "#pefd/nn/builder.js";
import { featureList, type ModelOutput, type StateEntry } from "#pefd/nn/model.js";
import type { Tensor, Tensor2D, Tensor4D, Update, Variable } from "#pefd/runtime/tf.js";
import { type Check, checkNumber, checkNumbers, withinSpread } from "./comparison.js";
import { execute, result } from "./execute.js";
import { formulaFill } from "./formula.js";
import { checkGradients } from "./gradientCheck.js";
import { channelsFirst, imagesFeed, oneHotFeed } from "./inputs.js";
import { checkLayout, checkStateValues } from "./layoutCheck.js";
import type { ModelGolden, TensorSummary } from "./schema.js";
import { checkSummary, type HostTensor } from "./summary.js";

/** A model's features (featureList) before the last ReLUs. */
const listBeforeRelu = ({ stem, maps, pooled }: ModelOutput): Tensor[] => [
  ...[...(stem === undefined ? [] : [stem]), ...maps].map(({ beforeRelu }) => beforeRelu),
  pooled,
];

type Results = Readonly<Record<string, HostTensor>>;

/**
 * Compares one model with the reference: layout of its state, evaluation, and one training pass with gradients.
 * @throws inputError for a model that the registry does not have
 */
export function checkModel(golden: ModelGolden, engine: EngineName): Check[] {
  const model = buildModel(golden.name, golden.numClasses, formulaFill());
  try {
    const layout = checkLayout(model.state, golden);
    if (layout.some((check) => check.mismatch !== undefined)) return layout;
    return [
      ...layout,
      ...checkStateValues(model.state, golden),
      ...checkEvaluation(golden, evaluate(model, golden, engine)),
      ...checkTraining(model.state, golden, train(model, golden, engine)),
    ];
  } finally {
    for (const { variable } of model.state) variable?.dispose();
  }
}

const variablesOf = ({ state }: BuiltModel): Variable[] =>
  state.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));

const numbered = (prefix: string, tensors: readonly Tensor[]): Record<string, Tensor> =>
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

/** One forward and backward pass in training mode. Gradients and statistics go by the state's own names. */
function train(model: BuiltModel, golden: ModelGolden, engine: EngineName): Results {
  const parameters = model.state.filter((entry) => isParameter(entry.role));
  return execute(engine, {
    variables: variablesOf(model),
    feeds: {
      images: imagesFeed(golden.input),
      oneHot: oneHotFeed(golden.input.labels, golden.numClasses),
    },
    describe: ({ images, oneHot }) => {
      const { loss, gradients, kept } = gradientsOf(
        () => {
          const updates: Update[] = [];
          const { logits } = model.forward(images as Tensor4D, { training: true, updates });
          return {
            loss: crossEntropy(logits, oneHot as Tensor2D),
            kept: { logits, updates },
            tensors: [logits, ...updates.map(([, value]) => value)],
          };
        },
        parameters.map((entry) => entry.variable as Variable),
      );
      return {
        loss,
        logits: kept.logits,
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

function checkTraining(state: readonly StateEntry[], golden: ModelGolden, results: Results): Check[] {
  const { train: expected, spread } = golden;
  const logits = withinSpread(spread.trainLogitsMaxAbs);
  const loss = withinSpread(spread.ceLossAbs);
  const gradients = new Map(
    state
      .filter(({ role }) => isParameter(role) && !isCounter(role))
      .map(({ name, role, shape }) => [name, toPyTorchLayout(role, result(results, name).values, shape)]),
  );
  return [
    checkNumbers("train.logits", result(results, "logits").values, expected.logits.flat(), logits),
    checkNumber("train.ceLoss", result(results, "loss").values[0] as number, expected.ceLoss, loss),
    ...checkStatistics(golden, results),
    ...checkGradients(golden, gradients),
  ];
}

function checkStatistics({ train: { runningMeanAfter }, spread }: ModelGolden, results: Results) {
  const bound = withinSpread(spread.trainLogitsMaxAbs);
  const { first, last } = runningMeanAfter;
  return [first, last].flatMap(({ name, runningMean, runningVar }) =>
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
}
