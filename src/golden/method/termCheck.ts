import type { EngineName } from "../../compile/types.js";
import type { Moment } from "../../distill/method.js";
import { type OpenedMethod, openMethod } from "../../distill/open.js";
import { gradientsOf } from "../../learn/gradients.js";
import { parametersOf, variablesOf } from "../../learn/learner.js";
import { oneHotLabels } from "../../learn/oneHot.js";
import { toPyTorchLayout } from "../../nn/builder.js";
import type { StateEntry } from "../../nn/model.js";
import { type Scalar, type Tensor, tf, type Update, type Variable } from "../../runtime/tf.js";
import { type Check, checkNumber, mismatch } from "../comparison.js";
import { execute, result } from "../execute.js";
import { channelsFirst } from "../inputs.js";
import { checkSummary, type HostTensor, norm } from "../summary.js";
import { gradientBounds, valueBound, zeroBound } from "./bounds.js";
import { fromRegions, onClassMaps } from "./classMaps.js";
import { drawnFeeds } from "./drawn.js";
import { fixtureOf } from "./fixture.js";
import { CLASSES, imagesOf, KEYS, labelsOf, SET_SIZE } from "./keys.js";
import { fromMaps } from "./mapEntry.js";
import { checkOwnState, ownFill, ownRows } from "./ownState.js";
import type { MethodGolden, TermGolden } from "./schema.js";
import { outputOf, type StandIn, standIn, standInOfMap } from "./standIn.js";

/** The epoch of functions that know none: every warm-up lies behind it. */
const LATE = 1000;

/** Entries of the first phase of methods that have one are named so, and those of a part after it. */
const FIRST_PHASE = /^init_/;
const AFTER_PHASE = /^phase2_/;

/** A method between stand-ins, with the tensors that the file has gradients of. */
interface Scene {
  readonly method: OpenedMethod;
  readonly student: StandIn;
  readonly teacher: StandIn;
  readonly labels: readonly number[];
  readonly epoch: number;
  /** The student's outputs and the method's parameters, by the authors' name. */
  readonly differentiated: readonly (readonly [name: string, variable: Variable])[];
  /** All variables. */
  readonly variables: readonly Variable[];
  /** The method's parameters by the authors' name. */
  readonly own: ReadonlyMap<string, StateEntry>;
}

/**
 * Compares one entry of `losses`: the method's own state, its term and the term's gradients.
 * @throws inputError where the registry does not have the method
 */
export function checkTerm(
  golden: MethodGolden,
  key: string,
  entry: TermGolden,
  engine: EngineName,
): Check[] {
  const ofMaps = fromMaps(entry);
  const ofRegions = fromRegions(entry, labelsOf);
  const between = ofMaps ?? ofRegions?.entry ?? entry;
  const made = ofMaps === undefined ? standIn : standInOfMap;
  const created = createScene(golden, between, made, ofRegions?.put);
  const opened = ofRegions === undefined ? created : { ...created, epoch: LATE };
  const scene = AFTER_PHASE.test(key) ? afterPhase(opened) : opened;
  try {
    const results = execute(engine, {
      variables: scene.variables,
      feeds: Object.fromEntries(
        Object.entries(scene.teacher.tensors).map(([name, tensor]) => [
          name,
          { ...tensor, dtype: "float32" as const },
        ]),
      ),
      describe: (teacher) => describeTerm(scene, FIRST_PHASE.test(key), teacher),
    });
    return [
      ...checkOwnState(`${key} own state`, between.ownState, scene.method.state),
      ...compare(key, between, scene, results),
    ];
  } finally {
    for (const variable of scene.variables) variable.dispose();
  }
}

/** The networks that a method stands between. */
interface Between {
  readonly student: StandIn;
  readonly teacher: StandIn;
}

/** @param put changes of the stand-ins */
function createScene(
  golden: MethodGolden,
  entry: TermGolden,
  made: typeof standIn,
  put = (between: Between): Between => between,
): Scene {
  const { flags, inputs, ownState } = entry;
  const shapes = entry.shapes ?? { student: [], teacher: [], batch: 4 };
  const fixtureFlags = golden.trajectory?.fixtureFlags ?? [];
  const { row, told } = fixtureOf(golden.method, [...fixtureFlags, ...flags], inputs);
  const { batch } = shapes;
  const { student, teacher } = put({
    student: made(shapes.student, batch, KEYS.student),
    teacher: made(shapes.teacher, batch, KEYS.teacher),
  });
  const pair = {
    ...{ student: student.anatomy, teacher: teacher.anatomy },
    ...{ numClasses: CLASSES, labels: new Array<number>(SET_SIZE).fill(0), batchSize: batch },
  };
  const method =
    row.ofClassMaps === undefined
      ? openMethod(row, pair, told, ownFill(ownState))
      : onClassMaps(row, told);
  const outputs = Object.entries(student.tensors).map(([name, { shape, values }]) => {
    return [name, tf.tidy(() => tf.variable(tf.tensor(values, [...shape])))] as const;
  });
  const paired = ownRows(ownState, method.state);
  const own = new Map(paired.map(({ entry, row }) => [row?.[0] ?? entry.name, entry]));
  const learned = new Set(parametersOf(method.state));
  const parameters = Array.from(own).flatMap(([name, { variable }]) =>
    variable !== undefined && learned.has(variable) ? [[name, variable] as const] : [],
  );
  return {
    ...{ method, student, teacher, labels: labelsOf(batch), own },
    epoch: golden.trajectory?.epoch ?? 1,
    differentiated: [...outputs, ...parameters],
    variables: [
      ...outputs.map(([, variable]) => variable),
      ...[method, student.anatomy, teacher.anatomy].flatMap(({ state }) => variablesOf(state)),
    ],
  };
}

/** The scene an epoch later, with what the first phase has kept of the batch. */
function afterPhase(scene: Scene): Scene {
  tf.tidy(() => {
    const tensors = Object.entries(scene.teacher.tensors).map(
      ([name, { values, shape }]) => [name, tf.tensor(values, [...shape])] as const,
    );
    const updates: Update[] = [];
    const [phase] = scene.method.phases ?? [];
    phase?.loss(momentOf(scene, Object.fromEntries(tensors)), { training: true, updates });
    for (const [variable, value] of updates) variable.assign(value);
  });
  return { ...scene, epoch: scene.epoch + 1 };
}

/** The term and its gradients, by the authors' names. */
function describeTerm(scene: Scene, isFirstPhase: boolean, teacher: Record<string, Tensor>) {
  const { method, differentiated } = scene;
  const context = { training: true, updates: [] };
  const at = momentOf(scene, teacher);
  const [phase] = isFirstPhase ? (method.phases ?? []) : [];
  const { loss, gradients } = gradientsOf(
    () => {
      const terms = phase === undefined ? method.terms(at, context) : phase.loss(at, context);
      const sum = (Object.values(terms) as Scalar[]).reduce((total, term) => tf.add(total, term));
      return { loss: sum, kept: undefined, tensors: [] };
    },
    differentiated.map(([, variable]) => variable),
  );
  const found = differentiated.flatMap(([name], i) => {
    const gradient = gradients[i];
    return gradient === undefined ? [] : [[name, gradient] as const];
  });
  return { value: loss, ...Object.fromEntries(found) };
}

function momentOf(scene: Scene, teacher: Record<string, Tensor>): Moment {
  const { student, differentiated, labels, epoch } = scene;
  const outputs = Object.fromEntries(differentiated.slice(0, Object.keys(student.tensors).length));
  const at = tf.tensor1d([...labels], "int32");
  return {
    student: outputOf(outputs, student.anatomy.maps.length),
    teacher: outputOf(teacher, scene.teacher.anatomy.maps.length),
    labels: at,
    oneHot: oneHotLabels(at, CLASSES),
    image: tf.tensor1d(imagesOf(labels.length), "int32"),
    epoch: tf.scalar(epoch),
    drawn: drawnTensors(scene),
    strong: { student: onStrongView(outputs), teacher: onStrongView(teacher) },
  };
}

const drawnTensors = ({ method, labels }: Scene): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(drawnFeeds(method.draws, labels.length, 0)).map(
      ([name, { values, shape, dtype }]) => [name, tf.tensor(values, [...shape], dtype)],
    ),
  );

/** A network's output for the strong view: logits alone. */
const onStrongView = ({ logitsStrong }: Readonly<Record<string, Tensor>>) =>
  outputOf({ ...(logitsStrong && { logits: logitsStrong }) }, 0);

/** Names of arguments of the authors' functions that are outputs of a network. */
const ARGUMENTS: Readonly<Record<string, string>> = { logitS: "logits" };

function compare(
  key: string,
  entry: TermGolden,
  scene: Scene,
  results: Readonly<Record<string, HostTensor>>,
): Check[] {
  const expected = Object.entries(entry.grads).map(
    ([name, summary]) => [ARGUMENTS[name] ?? name, summary] as const,
  );
  const listed = new Set(["value", ...expected.map(([name]) => name), ...entry.gradZero]);
  const surplus = Object.keys(results).filter((name) => !listed.has(name));
  const value = result({ ...results }, "value").values[0] as number;
  const what = (name: string) => `${key} gradient of ${name}`;
  return [
    checkNumber(`${key} value`, value, entry.value, valueBound(entry)),
    ...surplus.map((name) => mismatch(what(name), "should not be there")),
    ...entry.gradZero.flatMap((name) => {
      const gradient = results[name];
      if (gradient === undefined) return [];
      return [checkNumber(`${what(name)} l2`, norm(gradient.values), 0, zeroBound(entry))];
    }),
    ...expected.flatMap(([name, summary]) => {
      const gradient = results[name];
      if (gradient === undefined) return [mismatch(what(name), "is missing")];
      const bounds = gradientBounds(entry, summary.l2, gradient.values.length);
      return checkSummary(what(name), inPyTorch(gradient, scene.own.get(name)), summary, bounds);
    }),
  ];
}

/** A gradient in PyTorch's layout. @param entry of what it is a gradient of, where that is state */
const inPyTorch = (gradient: HostTensor, entry: StateEntry | undefined): HostTensor =>
  entry === undefined
    ? channelsFirst(gradient)
    : { shape: entry.shape, values: toPyTorchLayout(entry.role, gradient.values, entry.shape) };
