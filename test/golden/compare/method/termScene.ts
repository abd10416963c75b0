import type { StepContext } from "#pefd/distill/method.js";
import { type OpenedMethod, openMethod } from "#pefd/distill/open.js";
import { KL_OPTIONS } from "#pefd/distill/options.js";
import { distillKL } from "#pefd/distill/parts/losses.js";
import { gradientsOf, parametersOf, variablesOf } from "#pefd/learn/learner.js";
import { oneHotLabels } from "#pefd/learn/metrics.js";
import { isBuffer } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { scatterRows } from "#pefd/runtime/rows.js";
import { type Scalar, type Tensor, tf, type Update, type Variable } from "#pefd/runtime/tf.js";
import { onClassMaps } from "./classMaps.js";
import { randomInputsOf } from "./drawn.js";
import { fixtureOf } from "./fixture.js";
import { CLASSES, epochOf, imagesOf, KEYS, labelsOf, SET_SIZE } from "./keys.js";
import { ownFill, ownRows } from "./ownState.js";
import type { MethodGolden, TermGolden } from "./schema.js";
import { outputOf, type StandIn, type standIn } from "./standIn.js";

/** The epoch of terms alone of mdistiller's descendants, the end of their warm-ups. */
const WARM = 20;

const isMdistiller = ({ upstream: { files } }: MethodGolden) =>
  files.some((file) => /(^|\/)mdistiller\/|^CIFAR\//.test(file));

/** A method between stand-ins, with the tensors that the file has gradients of. */
export interface TermScene {
  readonly method: OpenedMethod;
  readonly student: StandIn;
  readonly teacher: StandIn;
  readonly labels: readonly number[];
  readonly epoch: number;
  /** Of the terms, where the flags have one (KD_WEIGHT). */
  readonly weight: number;
  /** Of the KL divergence between logits, where an entry is of the whole loss. */
  readonly alpha: number;
  readonly temperature: number;
  /** The student's outputs and the method's parameters, by the authors' name. */
  readonly differentiated: readonly (readonly [name: string, variable: Variable])[];
  /** All variables. */
  readonly variables: readonly Variable[];
  /** The method's parameters by the authors' name. */
  readonly own: ReadonlyMap<string, StateEntry>;
}

/** The networks that a method stands between. */
interface Between {
  readonly student: StandIn;
  readonly teacher: StandIn;
}

/**
 * A method between the stand-ins of an entry.
 * @param made how a stand-in is made
 * @param put changes of the stand-ins
 * @throws inputError where the registry does not have the method
 */
export function createScene(
  golden: MethodGolden,
  entry: TermGolden,
  made: typeof standIn,
  put = (between: Between): Between => between,
): TermScene {
  const { flags, inputs, ownState } = entry;
  const shapes = entry.shapes ?? { student: [], teacher: [], batch: 4 };
  const fixtureFlags = golden.trajectory?.fixtureFlags ?? [];
  const { row, told, weights } = fixtureOf(golden.method, [...fixtureFlags, ...flags], inputs);
  const { batch } = shapes;
  const { student, teacher } = put({
    student: made(shapes.student, batch, KEYS.student),
    teacher: made(shapes.teacher, batch, KEYS.teacher),
  });
  const pair = {
    student: student.featureShapes,
    teacher: teacher.featureShapes,
    numClasses: CLASSES,
    labels: new Array<number>(SET_SIZE).fill(0),
    batchSize: batch,
  };
  const method =
    row.ofClassMaps === undefined ? openMethod(row, pair, told, ownFill(ownState)) : onClassMaps(row, told);
  const outputs = Object.entries(student.tensors).map(([name, { shape, values }]) => {
    return [name, tf.tidy(() => tf.variable(tf.tensor(values, [...shape])))] as const;
  });
  const paired = ownRows(ownState, method.state);
  const own = new Map(paired.map(({ entry, row }) => [row?.[0] ?? entry.name, entry]));
  const learned = new Set(parametersOf(method.state));
  const parameters = Array.from(own).flatMap(([name, { variable }]) =>
    variable !== undefined && learned.has(variable) ? [[name, variable] as const] : [],
  );
  const alpha = inputs !== undefined && "logitS" in inputs ? weights.alpha : 0;
  return {
    method,
    alpha,
    temperature: Number(told.kd_T ?? KL_OPTIONS.kd_T.fallback),
    weight: alpha !== 0 || flags.some((flag) => /kd_weight$/i.test(flag)) ? weights.beta : 1,
    student,
    teacher,
    labels: labelsOf(batch),
    own,
    epoch: epochOf(golden.method, isMdistiller(golden) ? WARM : (golden.trajectory?.epoch ?? 1)),
    differentiated: [...outputs, ...parameters],
    variables: [
      ...outputs.map(([, variable]) => variable),
      ...[method, student.featureShapes, teacher.featureShapes].flatMap(({ state }) => variablesOf(state)),
    ],
  };
}

/** The scene an epoch later, with what the first phase has kept of the batch. */
export function afterPhase(scene: TermScene): TermScene {
  tf.tidy(() => {
    const tensors = Object.entries(scene.teacher.tensors).map(
      ([name, { values, shape }]) => [name, tf.tensor(values, [...shape])] as const,
    );
    const updates: Update[] = [];
    const [phase] = scene.method.phases ?? [];
    phase?.loss?.(stepContextOf(scene, Object.fromEntries(tensors)), { training: true, updates });
    for (const [variable, value] of updates) variable.assign(value);
  });
  return { ...scene, epoch: scene.epoch + 1 };
}

/** Names of what a method keeps begin with it. */
export const KEPT = "kept.";

/** Gradients that DeepKD's files have of each part of the loss. */
const PARTS = [
  ["ncg.logits", "nckd"],
  ["tcg.logits", "tckd"],
] as const;

/** The term, its gradients by the authors' names, and new values of what the method keeps. */
export function describeTerm(
  scene: TermScene,
  isFirstPhase: boolean,
  teacher: Record<string, Tensor>,
): Record<string, Tensor> {
  const { method, differentiated } = scene;
  const at = stepContextOf(scene, teacher);
  const [phase] = isFirstPhase ? (method.phases ?? []) : [];
  const [, logits] = differentiated.find(([name]) => name === "logits") ?? [];
  const apart = PARTS.map(([part, term]): [string, Tensor | undefined] => {
    if (method.optimizer?.momenta?.some(({ terms }) => terms?.includes("tckd")) !== true) return [part, undefined];
    const of = () => method.terms(at, { training: true, updates: [] })[term] as Scalar;
    return [part, logits && gradientsOf(() => ({ loss: of(), kept: {}, tensors: [] }), [logits]).gradients[0]];
  });
  const { loss, gradients, kept } = gradientsOf(
    () => {
      const context = { training: true, updates: [] as Update[] };
      const terms = (phase?.loss ?? method.terms)(at, context);
      const sum = (Object.values(terms) as Scalar[]).reduce((total, term) => tf.add(total, term));
      const kept = keptOf(method, context.updates);
      const own = tf.mul(sum, scene.weight);
      const kl = () => distillKL(at.student.logits, at.teacher.logits, scene.temperature);
      const loss = (scene.alpha === 0 ? own : tf.add(own, tf.mul(kl(), scene.alpha))) as Scalar;
      return { loss, kept, tensors: Object.values(kept) };
    },
    differentiated.map(([, variable]) => variable),
  );
  const found = differentiated.flatMap(([name], i) => {
    const gradient = gradients[i];
    return gradient === undefined ? [] : [[name, gradient] as const];
  });
  const parts = apart.flatMap(([name, gradient]) => (gradient === undefined ? [] : [[name, gradient] as const]));
  return { value: loss, ...Object.fromEntries([...found, ...parts]), ...kept };
}

/** New values of a method's buffers. */
function keptOf({ state }: OpenedMethod, updates: readonly Update[]): Record<string, Tensor> {
  const buffers = new Map(
    state.flatMap(({ role, name, variable }) => (isBuffer(role) ? [[variable, name] as const] : [])),
  );
  const kept = updates.flatMap(([variable, value, rows]) => {
    const name = buffers.get(variable);
    if (name === undefined) return [];
    return [[KEPT + name, rows === undefined ? value : scatterRows(variable, rows, value)] as const];
  });
  return Object.fromEntries(kept);
}

function stepContextOf(scene: TermScene, teacher: Record<string, Tensor>): StepContext {
  const { student, differentiated, labels, epoch } = scene;
  const outputs = Object.fromEntries(differentiated.slice(0, Object.keys(student.tensors).length));
  const at = tf.tensor1d([...labels], "int32");
  return {
    student: outputOf(outputs, student.featureShapes.maps.length),
    teacher: outputOf(teacher, scene.teacher.featureShapes.maps.length),
    images: tf.zeros([labels.length, 32, 32, 3]),
    labels: at,
    oneHot: oneHotLabels(at, CLASSES),
    image: tf.tensor1d(imagesOf(labels.length), "int32"),
    epoch: tf.scalar(epoch),
    drawn: drawnTensors(scene),
    strong: { student: onStrongView(outputs), teacher: onStrongView(teacher) },
  };
}

const drawnTensors = ({ method, labels }: TermScene): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(randomInputsOf(method.draws, labels.length, 0)).map(([name, { values, shape, dtype }]) => [
      name,
      tf.tensor(values, [...shape], dtype),
    ]),
  );

/** A network's output for the strong view: logits alone. */
const onStrongView = ({ logitsStrong }: Readonly<Record<string, Tensor>>) =>
  outputOf({ ...(logitsStrong && { logits: logitsStrong }) }, 0);
