import { ok } from "node:assert/strict";
import { createRandom } from "../common/random.js";
import type { StepContext } from "../distill/method.js";
import { type OpenedMethod, openMethod } from "../distill/open.js";
import { crossEntropy } from "../distill/parts/losses.js";
import { methodRow } from "../distill/registry.js";
import { seenOutput } from "../distill/views.js";
import { gradientsOf, variablesOf } from "../learn/learner.js";
import { featureShapesOf, frozen } from "../learn/learners.js";
import { type BuiltModel, buildModel, initialFill } from "../models/build.js";
import { isParameter } from "../nn/builder.js";
import { randomFill } from "../nn/initialization.js";
import type { FeatureMap, ModelOutput } from "../nn/model.js";
import type { Plugin } from "../plugin/define.js";
import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Variable,
} from "../runtime/tf.js";
import { BATCH, CLASSES, PAIR, sideOf, type TestedPair, use } from "./scene.js";

/** Relative steps of a difference; the best agreement counts. */
const STEPS = [1e-2, 3e-3, 3e-2, 1e-3];

/** Relative errors of float32 and of ReLUs' kinks: along the gradient, and in other directions. */
const TOLERANCE = { along: 0.02, across: 0.05 };

/** Rounding error of a float32 loss: smaller differences count as none. */
const ROUNDINGS = 8 * 2 ** -24;

/** Below this part of the total norm, a gradient is rounding noise. */
const NOISE = 1e-3;

const dot = (x: Float32Array, y: Float32Array): number =>
  x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);

const norm = (x: Float32Array): number => Math.sqrt(dot(x, x));

const scaled = (x: Float32Array, length: number): Float32Array => {
  const factor = length / (norm(x) || 1);
  return x.map((value) => value * factor);
};

type Moved = { readonly what: string; readonly variable: Variable };

const numberOf = (loss: () => Scalar): number => tf.tidy(() => loss().dataSync()[0] as number);

/** (f(x + d) - f(x - d)) / 2. */
function halfDifference(loss: () => Scalar, variable: Variable, direction: Float32Array): number {
  const start = variable.dataSync().slice() as Float32Array;
  const at = (sign: number) => {
    const values = start.map((value, i) => value + sign * (direction[i] as number));
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape) as Tensor));
    return numberOf(loss);
  };
  const difference = (at(1) - at(-1)) / 2;
  tf.tidy(() => variable.assign(tf.tensor(start, variable.shape) as Tensor));
  return difference;
}

/** Whether a gradient predicts the difference for some step. */
function agrees(
  loss: () => Scalar,
  { what, variable }: Moved,
  gradient: Float32Array,
  direction: Float32Array,
  { relative, absolute }: { relative: number; absolute: number },
): void {
  const size = norm(variable.dataSync() as Float32Array) || 1;
  const errors = STEPS.map((step) => {
    const moved = scaled(direction, step * size);
    const [told, found] = [dot(gradient, moved), halfDifference(loss, variable, moved)];
    const scale = Math.max(Math.abs(told), Math.abs(found), NOISE * norm(gradient) * norm(moved));
    return { error: Math.max(0, Math.abs(told - found) - absolute) / scale, told, found };
  });
  const best = errors.reduce((a, b) => (b.error < a.error ? b : a));
  ok(
    best.error <= relative,
    `the gradient of ${what} says that the loss moves by ${best.told.toExponential(3)}, and it moves by ${best.found.toExponential(3)}`,
  );
}

/** Finite differences along the gradient and in a random direction. Tensors `detached` on purpose must be excluded. */
function checkDifferences(loss: () => Scalar, moved: readonly Moved[]): void {
  const gradients = tf.tidy(() => {
    const variables = moved.map(({ variable }) => variable);
    const found = gradientsOf(() => ({ loss: loss(), kept: undefined, tensors: [] }), variables);
    return found.gradients.map((gradient) => gradient?.dataSync().slice() as Float32Array | undefined);
  });
  const most = Math.max(...gradients.map((gradient) => (gradient ? norm(gradient) : 0)));
  ok(most > 0, "the loss has a gradient");
  const absolute = ROUNDINGS * Math.abs(numberOf(loss));
  for (const [i, gradient] of gradients.entries()) {
    const one = moved[i] as Moved;
    if (gradient === undefined || norm(gradient) < NOISE * most) continue;
    const random = createRandom(1, "direction", one.what);
    const across = gradient.map(() => random.normal());
    agrees(loss, one, gradient, gradient, { relative: TOLERANCE.along, absolute });
    agrees(loss, one, gradient, across, { relative: TOLERANCE.across, absolute });
  }
}

const SEED = 5;
const LABELS = Int32Array.from({ length: BATCH }, (_, i) => (3 * i) % CLASSES);

/** Noise like normalised images. @returns [BATCH, side, side, 3] */
function noise(side: number, purpose: string): Tensor4D {
  const random = createRandom(SEED, "noise", purpose);
  const values = Float32Array.from({ length: BATCH * side * side * 3 }, () => random.normal());
  return tf.tensor4d(values, [BATCH, side, side, 3]) as Tensor4D;
}

const labels = () => tf.tensor1d(LABELS, "int32") as Tensor1D;
const oneHot = () => tf.cast(tf.oneHot(labels(), CLASSES), "float32") as Tensor2D;

function movable(what: string, value: Tensor, moved: Moved[]): Tensor {
  const variable = tf.variable(value, true);
  moved.push({ what, variable });
  return variable;
}

function movableOutput(output: ModelOutput, view: string, moved: Moved[]): ModelOutput {
  const map = (name: string, { out, beforeRelu }: FeatureMap): FeatureMap => ({
    out: movable(`the student's ${view}${name}`, out, moved) as Tensor4D,
    beforeRelu: movable(`the student's ${view}${name} before its ReLU`, beforeRelu, moved) as Tensor4D,
  });
  const { stem, maps, pooled, logits, averaged, inserted } = output;
  return {
    stem: stem && map("stem", stem),
    maps: maps.map((one, i) => map(`map${i + 1}`, one)),
    pooled: movable(`the student's ${view}pooled`, pooled, moved) as Tensor2D,
    logits: movable(`the student's ${view}logits`, logits, moved) as Tensor2D,
    ...(averaged && { averaged: movable(`the student's ${view}averaged`, averaged, moved) as Tensor4D }),
    ...(inserted && { inserted: movable(`the student's ${view}inserted`, inserted, moved) as Tensor4D }),
  };
}

/** A batch of noise for a method, with a movable student output. */
function stepContextOf(method: OpenedMethod, student: BuiltModel, teacher: BuiltModel, moved: Moved[]): StepContext {
  const outputs = (view: string) => {
    const images = noise(student.imageSize ?? sideOf(student.name), view);
    const { insertion } = method;
    const context = { training: true, updates: [], ...(insertion && { insertion }) };
    const theirs = teacher.forward(images, { training: method.teacherTrains, updates: [] });
    return {
      student: movableOutput(student.forward(images, context), view, moved),
      teacher: seenOutput(theirs, method.sees, theirs.maps.length),
    };
  };
  const image = Int32Array.from(LABELS.keys());
  const values = method.draws?.values({ seed: SEED, epoch: 1, step: 1, image }) ?? {};
  const drawn = Object.entries(method.draws?.specs(BATCH) ?? {}).map(([name, { shape, dtype }]) => {
    return [name, tf.tensor(values[name] as Float32Array, [...shape], dtype)] as const;
  });
  const weak = outputs("");
  return {
    ...weak,
    strong: method.strongView || method.classView ? outputs("strong view's ") : weak,
    images: noise(student.imageSize ?? sideOf(student.name), ""),
    labels: labels(),
    oneHot: oneHot(),
    image: tf.tensor1d(image, "int32") as Tensor1D,
    epoch: tf.scalar(1),
    drawn: Object.fromEntries(drawn),
  };
}

function lossOf({ terms, phases = [] }: OpenedMethod, at: StepContext): Scalar {
  const context = () => ({ training: true, updates: [] });
  const parts = [terms(at, context()), ...phases.map((phase) => phase.loss?.(at, context()) ?? {})];
  const all = parts.flatMap((part) => Object.values(part)).filter((term) => term !== undefined);
  return all.reduce((sum, term) => tf.add(sum, term), tf.scalar(0)) as Scalar;
}

/**
 * Checks gradients of a method's own loss by finite differences: of the student's outputs that it uses, and of its
 * parameters.
 * @param plugin a plug-in's default export
 * @param pair models of the registry or the plug-in
 * @throws AssertionError with the tensor; inputError where the method does not fit the pair
 */
export async function checkMethodGradients(plugin: Plugin, name: string, pair: TestedPair = PAIR): Promise<void> {
  use(plugin);
  const method = methodRow(name);
  const student = buildModel(pair.student, CLASSES, initialFill(pair.student, SEED, "student"));
  const made = buildModel(pair.teacher, CLASSES, initialFill(pair.teacher, SEED + 1, "teacher"));
  const { model: teacher, variables } = frozen(made, method.teacherMode);
  const opened = openMethod(
    method,
    {
      student: featureShapesOf(student),
      teacher: featureShapesOf(teacher),
      numClasses: CLASSES,
      labels: LABELS,
      batchSize: BATCH,
    },
    {},
    randomFill(SEED, "projectors", {}),
  );
  const own = opened.state.flatMap(({ name, role, variable }) =>
    variable !== undefined && isParameter(role) ? [{ what: `its own ${name}`, variable }] : [],
  );
  tf.engine().startScope();
  const moved: Moved[] = [];
  const at = stepContextOf(opened, student, teacher, moved);
  checkDifferences(() => lossOf(opened, at), [...moved, ...own]);
  tf.engine().endScope();
  tf.dispose([
    ...moved.map(({ variable }) => variable),
    ...variables,
    ...variablesOf(student.state),
    ...variablesOf(opened.state),
  ]);
}

/**
 * Checks gradients of a model's cross entropy on noise, for each parameter.
 * @throws AssertionError with the parameter
 */
export async function checkModelGradients(plugin: Plugin, name: string): Promise<void> {
  use(plugin);
  const model = buildModel(name, CLASSES, initialFill(name, SEED, "teacher"));
  const parameters = model.state.flatMap(({ name: what, role, variable }) =>
    variable !== undefined && isParameter(role) ? [{ what, variable }] : [],
  );
  tf.engine().startScope();
  const [images, wanted] = [noise(sideOf(name), "model"), oneHot()];
  const loss = () => crossEntropy(model.forward(images, { training: true, updates: [] }).logits, wanted);
  checkDifferences(loss, parameters);
  tf.engine().endScope();
  tf.dispose([...variablesOf(model.state)]);
}
