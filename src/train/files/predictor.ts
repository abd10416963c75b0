import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { checkpointFileOf } from "../../checkpoint/savedModelFolder.js";
import { inputError } from "../../common/errors.js";
import type { StateDict } from "../../common/stateDict.js";
import { recordStep } from "../../compile/record/trace.js";
import { openMethod } from "../../distill/open.js";
import { methodRow } from "../../distill/registry.js";
import { type EvaluatedStudent, type Learner, variablesOf } from "../../learn/learner.js";
import { evaluatedStudent, featureShapesOf } from "../../learn/learners.js";
import { buildModel } from "../../models/build.js";
import type { Model, StateEntry } from "../../nn/model.js";
import type { Tensor4D, Variable } from "../../runtime/tf.js";
import { refuseStranger } from "./runStore.js";
import { loadState } from "./stateFiles.js";

const SIDE = 32;

/** One image, as only the reads count. */
const lookOf = ({ imageSize = SIDE }: Learner["model"]) => [1, imageSize, imageSize, 3];

const PREDICTOR_PARTS = { own: "own.", teacher: "teacher." } as const;

const renamed = (prefix: string, state: readonly StateEntry[]): StateEntry[] =>
  state.map((entry) => ({ ...entry, name: prefix + entry.name }));

/** What a prediction may read besides the student. */
const predictorEntries = (own: readonly StateEntry[], teacher: readonly StateEntry[]): StateEntry[] => [
  ...renamed(PREDICTOR_PARTS.own, own),
  ...renamed(PREDICTOR_PARTS.teacher, teacher),
];

/** What a method's prediction reads besides its student, found by tracing. TensorFlow must be loaded. */
function predictorState({ model, extra, evaluated }: Learner): StateEntry[] {
  if (evaluated === undefined) return [];
  const candidates = predictorEntries(extra, evaluated.teacher.state);
  const handles = new Map(
    [...model.state, ...candidates].flatMap(({ name, variable }) =>
      variable === undefined ? [] : [[variable, name] as const],
    ),
  );
  const entry = {
    step: ({ images }: Readonly<Record<string, unknown>>) => {
      evaluated.forward(images as Tensor4D, { training: false, updates: [] });
      return [];
    },
    perStep: { images: { shape: lookOf(model), dtype: "float32" } },
    shared: {},
    stepsPerCall: 1,
  } as const;
  const { reads } = recordStep("predictor", entry, handles);
  return candidates.filter(({ variable }) => variable !== undefined && reads.has(variable));
}

/** A learner with its predictor, if its method predicts with more than the student. */
export function withPredictor(learner: Learner): Learner {
  const predictor = predictorState(learner);
  return predictor.length === 0 ? learner : { ...learner, predictor };
}

/** Metadata of a predictor's file. */
export const predictorMetadata = ({ evaluated }: Learner) =>
  evaluated && { method: evaluated.method, options: evaluated.options, teacher: evaluated.teacher.name };

export interface PredictorFile {
  readonly path: string;
  readonly method: string;
  readonly options: object;
  /** The teacher's model. */
  readonly teacher: string;
  readonly state: StateDict;
  readonly metadata: Metadata;
}

/** Undefined where only the student predicts. */
export type PredictorOf = { readonly missing: string } | PredictorFile | undefined;

/** Reads the predictor beside a checkpoint, if any. @throws inputError if damaged, or of another run or epoch */
export async function readPredictor(checkpoint: string, metadata: Metadata): Promise<PredictorOf> {
  if (typeof metadata.predictor !== "string") return undefined;
  const path = join(dirname(checkpointFileOf(checkpoint)), basename(metadata.predictor));
  if (!existsSync(path)) return { missing: path };
  const { state, metadata: told } = await readCheckpoint(path);
  refuseStranger(path, { metadata: told }, { path: checkpoint, metadata });
  const { method, options, teacher } = told;
  if (typeof method === "string" && typeof teacher === "string" && typeof options === "object") {
    return { path, method, options: options ?? {}, teacher, state, metadata: told };
  }
  throw inputError(
    `${path} does not say whose predictor it is.`,
    "Take the file that the run has written beside its weights.",
  );
}

/** With the tensors that it reads besides the student's. */
export interface OpenedPredictor {
  readonly evaluated: EvaluatedStudent;
  readonly entries: readonly StateEntry[];
  readonly variables: readonly Variable[];
}

/** A student as evaluated in its run. @throws inputError for unknown names, or tensors that do not fit */
export function openPredictor(
  student: Model,
  { path, method, options, teacher: teacherName, state }: PredictorFile,
): OpenedPredictor {
  const { numClasses, imageSize } = student;
  const teacher = buildModel(teacherName, numClasses, "zeros", imageSize);
  const pair = {
    student: featureShapesOf(student),
    teacher: featureShapesOf(teacher),
    numClasses,
    labels: [],
    batchSize: 1,
  };
  const opened = openMethod(methodRow(method), pair, options, "zeros");
  const entries = predictorEntries(opened.state, teacher.state);
  loadState(
    entries.filter(({ name }) => state.has(name)),
    state,
    { path, modelName: `the predictor of ${method}` },
  );
  return { evaluated: evaluatedStudent(student, teacher, opened), entries, variables: variablesOf(entries) };
}

/**
 * Opens what a checkpoint's run predicted through; undefined where that is the student, or is missing, which is said.
 * @param done what happens to the checkpoint, such as "evaluated"
 * @throws as openPredictor
 */
export function openPredictorOf(
  student: Model,
  found: PredictorOf,
  { checkpoint, done, warn }: { checkpoint: string; done: string; warn: ((text: string) => void) | undefined },
): OpenedPredictor | undefined {
  if (found === undefined) return undefined;
  if (!("missing" in found)) return openPredictor(student, found);
  warn?.(`${checkpoint} is ${done} alone; its run's evaluations went through ${found.missing}, which is not there.`);
  return undefined;
}
