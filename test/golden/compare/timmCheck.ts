import type { EngineName } from "#pefd/compile/types.js";
import { type BuiltModel, buildModel } from "#pefd/models/build.js";
import type { Fill } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import type { Tensor4D } from "#pefd/runtime/tf.js";
import { type Check, checkNumber, checkNumbers, withinSpread } from "./comparison.js";
import { execute, result } from "./execute.js";
import { formulaFill, formulaValues, signedValue } from "./formula.js";
import { checkGradients } from "./gradientCheck.js";
import { imagesFeed } from "./inputs.js";
import { checkBuilt, checkStatistics, gradientsIn, numbered, type Results, train, variablesOf } from "./modelCheck.js";
import type { TensorSummary, TimmModelGolden } from "./schema.js";
import { checkSummary } from "./summary.js";

/** pefd leaves out what most models for small images have. */
export const rowName = (name: string): string => name.replace(/_patch4_32$/, "");

/** Derivatives of these have no jumps. */
const SMOOTH = new Set(["GELU", "SiLU", "Sigmoid"]);

/** First values by the formula; some files have their own for running variances. */
function fillOf({ runningVar }: TimmModelGolden): Fill {
  const fill = formulaFill();
  if (runningVar === undefined) return fill;
  const { centre, scale } = runningVar;
  return (tensor) =>
    tensor.role === "bn.running_var"
      ? formulaValues(tensor.shape, (i) => centre + signedValue(tensor.position, i) * scale)
      : fill(tensor);
}

/**
 * Compares one model with timm's: layout of its state, evaluation, and one training pass with gradients.
 * @throws inputError for a model that the registry does not have
 */
export function checkTimmModel(golden: TimmModelGolden, engine: EngineName): Check[] {
  const model = buildModel(rowName(golden.name), golden.numClasses, fillOf(golden), golden.input.shape[2]);
  return checkBuilt(model, golden, () => [
    ...checkEvaluation(golden, evaluate(model, golden, engine)),
    ...checkTraining(model.state, golden, train(model, golden, engine)),
  ]);
}

const evaluate = (model: BuiltModel, { input }: TimmModelGolden, engine: EngineName): Results =>
  execute(engine, {
    variables: variablesOf(model),
    feeds: { images: imagesFeed(input) },
    describe({ images }) {
      const { logits, heads } = model.forward(images as Tensor4D, { training: false, updates: [] });
      return { logits, ...(heads && numbered("head", [heads.labels, heads.teacher])) };
    },
  });

/** Compares logits of heads with their summaries. */
const checkHeads = (what: string, results: Results, expected: readonly TensorSummary[], spread: number): Check[] =>
  expected.flatMap((summary, i) =>
    checkSummary(`${what}.heads[${i}]`, result(results, `head${i}`), summary, {
      element: withinSpread(spread),
      norm: withinSpread(spread * Math.sqrt(summary.shape.reduce((product, side) => product * side, 1))),
    }),
  );

const checkEvaluation = ({ eval: expected, spread }: TimmModelGolden, results: Results): Check[] => [
  checkNumbers(
    "eval.logits",
    result(results, "logits").values,
    expected.logits.flat(),
    withinSpread(spread.evalLogitsMaxAbs),
  ),
  ...checkHeads("eval", results, expected.heads ?? [], spread.evalLogitsMaxAbs),
];

function checkTraining(state: readonly StateEntry[], golden: TimmModelGolden, results: Results): Check[] {
  const { train: expected, spread, stateDict, activations } = golden;
  const { logits, heads = logits === undefined ? [] : [logits] } = expected;
  const entries = Object.entries(expected.gradEntries);
  return [
    ...checkHeads("train", results, heads, spread.trainLogitsMaxAbs),
    checkNumber(
      "train.ceLoss",
      result(results, "loss").values[0] as number,
      expected.ceLoss,
      withinSpread(spread.ceLossAbs),
    ),
    ...checkStatistics(expected.runningAfter ?? [], withinSpread(spread.trainLogitsMaxAbs), results),
    ...checkGradients(
      {
        stateDict,
        smooth: activations.every((name) => SMOOTH.has(name)),
        norms: expected.gradL2,
        zero: expected.gradZero,
        zeroRange: expected.gradZeroRange,
        first4: Object.fromEntries(entries.map(([name, { first4 }]) => [name, first4])),
        probe8: Object.fromEntries(entries.map(([name, { probe8 }]) => [name, probe8])),
        spread: { norm: spread.gradL2MaxRel, zero: spread.gradZeroL2Max, elements: spread.gradEntriesMaxAbs },
      },
      gradientsIn(state, results),
    ),
  ];
}
