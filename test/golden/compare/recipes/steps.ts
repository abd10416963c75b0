import { z } from "zod";
import { permute4 } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { CLIP_MODES, type ClipMode } from "#pefd/config/recipe.js";
import { clipped, globalNorm } from "#pefd/learn/optimizers.js";
import { toPyTorchLayout } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { type Check, checkNumber, checkNumbers, mismatch, withinSpread } from "../comparison.js";
import { execute, type Feed, result } from "../execute.js";
import { formulaValues, roleValues, signedValue } from "../formula.js";
import { summary } from "../schema.js";
import { checkSummary, norm } from "../summary.js";
import { fanInOf } from "./optimizers.js";
import { smallNetwork, smallRun } from "./smallNetwork.js";

/** clipping.json: gradients of a step of optimizers.json, clipped. */
export const clippingSchema = z.object({
  gradients: z.string(),
  cases: z.record(
    z.string(),
    z.looseObject({ totalNormBefore: z.number() }).catchall(z.object({ l2: z.number(), all: z.array(z.number()) })),
  ),
  spreadMaxAbs: z.record(z.string(), z.number()),
});

/** Parameters of optimizers.json, keys 8000 and on, whose gradients of step 3 have keys 8130 and on. */
const PARAMETERS: readonly (readonly [name: string, shape: readonly number[], role: string])[] = [
  ["conv.weight", [2, 3, 3, 3], "conv.weight"],
  ["norm.weight", [4], "ln.weight"],
  ["norm.bias", [4], "ln.bias"],
  ["fc.weight", [5, 8], "linear.weight"],
  ["fc.bias", [5], "linear.bias"],
];
const SCALES = [0.5, 1e-7, 0.5, 0.5, 0.5];
const [PARAMETER_KEY, GRADIENT_KEY] = [8000, 8130];

const native = (shape: readonly number[]) =>
  shape.length === 4 ? [2, 3, 1, 0].map((axis) => shape[axis] as number) : shape;

export function checkClipping({ cases, spreadMaxAbs }: z.infer<typeof clippingSchema>, engine: EngineName): Check[] {
  const feeds: Record<string, Feed> = {};
  for (const [j, [name, shape, role]] of PARAMETERS.entries()) {
    const own = (values: Float32Array) => (shape.length === 4 ? permute4(values, shape, [2, 3, 1, 0]) : values);
    const gradient = formulaValues(shape, (i) => signedValue(GRADIENT_KEY + j, i) * (SCALES[j] as number));
    const value = roleValues(role, shape, fanInOf(shape), PARAMETER_KEY + j);
    feeds[name] = { shape: native(shape), dtype: "float32", values: own(value) };
    feeds[`${name}.grad`] = { shape: native(shape), dtype: "float32", values: own(gradient) };
  }
  const names = PARAMETERS.map(([name]) => name);
  return Object.entries(cases).flatMap(([key, { totalNormBefore, ...expected }]) => {
    const [, typed, most] = /^(\w+)_([\d.]+)$/.exec(key) ?? [];
    const mode = CLIP_MODES.find((one): one is ClipMode => one === typed);
    if (mode === undefined) return [mismatch(key, "is no known way of clipping")];
    const found = execute(engine, {
      feeds,
      variables: [],
      describe(tensors) {
        const parameters = names.map((name) => tensors[name] as Tensor);
        const gradients = names.map((name) => tensors[`${name}.grad`] as Tensor);
        const after = clipped(parameters, gradients, { mode, most: Number(most) });
        return {
          total: globalNorm(gradients),
          ...Object.fromEntries(names.map((name, i) => [name, after[i] as Tensor])),
        };
      },
    });
    const bound = withinSpread(spreadMaxAbs[key] as number);
    return [
      checkNumber(`${key} total norm`, result(found, "total").values[0] as number, totalNormBefore, bound),
      ...PARAMETERS.flatMap(([name, shape]) => {
        const { values } = result(found, name);
        const own = shape.length === 4 ? permute4(values, native(shape), [3, 2, 0, 1]) : values;
        const { l2, all } = expected[name] as unknown as { l2: number; all: number[] };
        return [
          checkNumber(`${key} ${name} l2`, norm(own), l2, bound),
          checkNumbers(`${key} ${name}`, own, all, bound),
        ];
      }),
    ];
  });
}

const images = z.object({
  k: z.int(),
  shape: z.array(z.int()),
  scale: z.number(),
  labels: z.array(z.int()),
});

/** accumulation.json: gradients of a batch in one, two or four parts. */
export const accumulationSchema = z.object({
  model: z.looseObject({ plain: z.array(z.unknown()) }),
  input: images,
  cases: z.record(
    z.string(),
    z.object({
      losses: z.array(z.number()),
      grads: z.record(z.string(), summary),
      running: z.record(z.string(), z.array(z.number())),
    }),
  ),
  spreadMaxAbs: z.record(z.string(), z.number()),
});

/** A state entry's values in PyTorch's layout. */
export const valuesOfEntry = ({ role, shape }: StateEntry, variable: Variable) => ({
  shape,
  values: toPyTorchLayout(role, variable.dataSync() as Float32Array, shape),
});

export function checkAccumulation(
  { input, cases, spreadMaxAbs }: z.infer<typeof accumulationSchema>,
  engine: EngineName,
): Check[] {
  const count = input.shape[0] as number;
  return Object.entries(cases).flatMap(([key, { losses, grads, running }]) => {
    const batches = losses.length;
    const model = smallNetwork(key.startsWith("bn"));
    // Without momentum the buffer is the gradient of the update.
    const run = smallRun(
      engine,
      model,
      input,
      [count / batches],
      { learningRate: 0.1, momentum: 0 },
      ({ parameters }) => ({
        accumulated: parameters.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false))),
      }),
    );
    for (let i = 0; i < batches; i++) run.step((i * count) / batches, count / batches, batches, i + 1);
    const bound = withinSpread(spreadMaxAbs[key] as number);
    const loss = (run.learner.metrics.total.dataSync()[0] as number) / count;
    const mean = losses.reduce((sum, each) => sum + each, 0) / batches;
    const { parameters, momentumBuffers } = run.learner;
    const checks = [
      checkNumber(`${key} loss`, loss, mean, bound),
      ...Object.entries(grads).flatMap(([name, expected]) => {
        const entry = model.state.find((one) => one.name === name) as StateEntry;
        const buffer = momentumBuffers[parameters.indexOf(entry.variable as Variable)] as Variable;
        return checkSummary(`${key} gradient of ${name}`, valuesOfEntry(entry, buffer), expected, {
          element: bound,
          norm: bound,
        });
      }),
      ...Object.entries(running).map(([name, expected]) => {
        const entry = model.state.find((one) => one.name === name) as StateEntry;
        return checkNumbers(`${key} ${name}`, valuesOfEntry(entry, entry.variable as Variable).values, expected, bound);
      }),
    ];
    run.end();
    return checks;
  });
}
