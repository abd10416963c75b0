import { z } from "zod";
import { sizeOf } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { OPTIMIZERS, type OptimizerName } from "#pefd/config/recipe.js";
import type { ParameterGroup } from "#pefd/distill/method.js";
import { OPTIMIZER_ROWS, optimizerUpdates } from "#pefd/learn/optimizers.js";
import { hasDecay, SCALAR_COUNT, scalarsOf, scalarValues } from "#pefd/learn/recipe.js";
import { type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { absent, type Check, checkNumbers, checkSame, withinSpread } from "../comparison.js";
import { execute, type Feed, result } from "../execute.js";
import { formulaValues, roleValues, signedValue } from "../formula.js";
import { norm } from "../summary.js";

const brief = z.object({ l2: z.number(), first4: z.array(z.number()) });
const group = z.looseObject({
  lr: z.number(),
  weight_decay: z.number(),
  momentum: z.number().optional(),
  betas: z.array(z.number()).optional(),
  eps: z.number().optional(),
  params: z.array(z.string()),
});

/** optimizers.json: steps of torch's and timm's optimizers. */
export const optimizersSchema = z.object({
  parameters: z.array(z.tuple([z.string(), z.array(z.int()), z.string(), z.int()])),
  gradientScale: z.array(z.array(z.number())),
  lrFactors: z.array(z.number()),
  optimizers: z.record(
    z.string(),
    z.object({
      call: z.string(),
      groups: z.array(group),
      steps: z.array(z.record(z.string(), brief)),
      after: z.record(z.string(), z.array(z.number())),
      stateAfter: z.record(z.string(), z.record(z.string(), brief)),
      spread: z.object({ stepsMaxAbs: z.array(z.number()), stateMaxAbs: z.number() }),
    }),
  ),
});

export type OptimizersGolden = z.infer<typeof optimizersSchema>;
type Case = OptimizersGolden["optimizers"][string];

/** Inputs of a linear or convolution weight's output: a formula's fan-in. */
export const fanInOf = (shape: readonly number[]): number => sizeOf(shape.slice(1));

/** What `--opt` does not have: other optimizers, and switches of these that are no flags. */
const ELSEWHERE = ["dampening", "amsgrad", "always_adapt"] as const;

/** Our name of what a case calls; undefined for what `--opt` does not have. */
function nameOf({ call, groups: [first] }: Case): OptimizerName | undefined {
  const [, name = "", torch] = /^(?:timm \w+\(model, '(\w+)'|torch\.optim\.(\w+))/.exec(call) ?? [];
  const nesterov = first?.nesterov === true;
  const meant = torch === "SGD" ? (nesterov ? "sgd" : "momentum") : (torch ?? name).toLowerCase();
  if (first === undefined || ELSEWHERE.some((key) => Boolean(first[key]))) return undefined;
  return OPTIMIZERS.find((one) => one === meant);
}

/** Key of the gradients of a step. */
const GRADIENTS = 8100;

export function checkOptimizers(golden: OptimizersGolden, engine: EngineName): Check[] {
  return Object.entries(golden.optimizers).flatMap(([key, one]) => {
    const name = nameOf(one);
    return name === undefined ? [absent(key)] : checkOptimizer(key, name, one, golden, engine);
  });
}

function checkOptimizer(key: string, name: OptimizerName, one: Case, golden: OptimizersGolden, engine: EngineName) {
  const { parameters, gradientScale, lrFactors } = golden;
  const { state, initial = 0, eps: ownEps = 1e-8, betas: ownBetas } = OPTIMIZER_ROWS[name];
  const [first] = one.groups as [Case["groups"][number]];
  const { lr, eps = ownEps, betas, momentum = 0 } = first;
  const setting = { name, weightDecay: 0, eps, beta2: betas?.[1] ?? 0 };
  const feeds: Record<string, Feed> = {};
  const feed = (named: string, shape: readonly number[], values: Float32Array) => {
    feeds[named] = { shape, values, dtype: "float32" };
  };
  for (const [j, [own, shape, role, k]] of parameters.entries()) {
    feed(own, shape, roleValues(role, shape, fanInOf(shape), k));
    for (const [t, scales] of gradientScale.entries()) {
      const scale = scales[j] as number;
      feed(
        `${t}.${own}`,
        shape,
        formulaValues(shape, (i) => signedValue(GRADIENTS + 10 * t + j, i) * scale),
      );
    }
  }
  const options = {
    opt: name,
    ...(betas && { opt_betas: betas }),
    momentum,
    weight_decay: 0,
    learning_rate: lr,
    lr_decay_epochs: [],
    lr_decay_rate: 1,
  };
  for (const [t, factor] of lrFactors.entries()) {
    const place = { optimizerFrom: 1, scheduleFrom: 1, steps: lrFactors.length };
    const values = scalarValues({ ...options, learning_rate: lr * factor }, place, 1, t + 1);
    feed(`scalars.${t}`, [SCALAR_COUNT], Float32Array.from(values));
  }
  const names = parameters.map(([own]) => own);
  const found = execute(engine, {
    feeds,
    variables: [],
    describe(tensors) {
      const results: Record<string, Tensor> = {};
      let now = names.map((own) => tensors[own] as Variable);
      let buffers = state.flatMap((_, at) =>
        now.map(({ shape }) => tf.fill(shape, at === 0 ? initial : 0) as Variable),
      );
      for (const t of lrFactors.keys()) {
        const gradients = names.map((own) => tensors[`${t}.${own}`] as Tensor);
        const scalars = scalarsOf(tensors[`scalars.${t}`] as Tensor);
        const groups = one.groups.map(
          ({ params, weight_decay: weightDecay }): ParameterGroup => ({
            parameters: params.map((own) => now[names.indexOf(own)] as Variable),
            weightDecay,
          }),
        );
        const next = new Map(
          optimizerUpdates(now, buffers, gradients, scalars, setting, groups).map(([a, b]) => [a, b]),
        );
        [now, buffers] = [now, buffers].map((some) => some.map((each) => next.get(each) as Variable)) as [
          Variable[],
          Variable[],
        ];
        for (const [j, own] of names.entries()) results[`after.${t}.${own}`] = now[j] as Tensor;
      }
      for (const [at, buffer] of state.entries()) {
        for (const [j, own] of names.entries()) results[`${buffer}.${own}`] = buffers[at * names.length + j] as Tensor;
      }
      return results;
    },
  });
  const compared = (what: string, named: string, expected: z.infer<typeof brief>, spread: number) => {
    const { values } = result(found, named);
    return [
      checkNumbers(`${what} l2`, [norm(values)], [expected.l2], withinSpread(spread)),
      checkNumbers(`${what} first4`, values.subarray(0, 4), expected.first4, withinSpread(spread)),
    ];
  };
  const { stepsMaxAbs, stateMaxAbs } = one.spread;
  const isTimm = one.call.startsWith("timm");
  return [
    ...(/eps=/.test(one.call) || first.eps === undefined ? [] : [checkSame(`${key} eps`, ownEps, first.eps)]),
    ...(/betas=/.test(one.call) || betas === undefined ? [] : [checkSame(`${key} betas`, ownBetas, betas)]),
    ...parameters.flatMap(([own, shape]) => {
      const decays = one.groups.some(({ params, weight_decay }) => params.includes(own) && weight_decay > 0);
      return isTimm ? [checkSame(`${key} decay of ${own}`, hasDecay(own, shape), decays)] : [];
    }),
    ...one.steps.flatMap((step, t) =>
      Object.entries(step).flatMap(([own, expected]) =>
        compared(`${key} step ${t} ${own}`, `after.${t}.${own}`, expected, stepsMaxAbs[t] as number),
      ),
    ),
    ...Object.entries(one.after).map(([own, expected]) =>
      checkNumbers(
        `${key} after ${own}`,
        result(found, `after.${lrFactors.length - 1}.${own}`).values,
        expected,
        withinSpread(stepsMaxAbs.at(-1) as number),
      ),
    ),
    ...Object.entries(one.stateAfter).flatMap(([own, buffers]) =>
      Object.entries(buffers).flatMap(([buffer, expected]) =>
        compared(`${key} ${buffer} of ${own}`, `${buffer}.${own}`, expected, stateMaxAbs),
      ),
    ),
  ];
}
