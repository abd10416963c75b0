import { createHash } from "node:crypto";
import { areNumbers, toFloat32 } from "../checkpoint/float.js";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError, type PefdError } from "../common/errors.js";
import { createRandom } from "../common/random.js";
import type { StateDict, StateTensor } from "../common/stateDict.js";
import { datasetIn } from "../config/modelName.js";
import { type TeacherFile, type TeacherSource, teachersOf } from "../config/options.js";
import { sha256, sha256OfFile } from "../data/checksums.js";
import { classesIn, type ImageShape, type TestImages } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import { ensemble, type FrozenModel, frozen } from "../learn/learners.js";
import { type BuiltModel, buildModel } from "../models/build.js";
import { stateLayout } from "../models/survey.js";
import { isCounter } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import { isGpu } from "../runtime/device.js";
import { tf } from "../runtime/tf.js";
import { loadState, notNumbers, tensorsFor } from "./files/stateFiles.js";

export type OpenedModel = FrozenModel & {
  readonly weightsSha256: string;
  /** In its file; undefined where it does not say. */
  readonly trainedOn: string | undefined;
};

/** sha256 over float32 weights and statistics in state_dict order, without counters, whatever the file format. */
export function weightsSha256(state: readonly Pick<StateEntry, "name" | "role">[], tensors: StateDict): string {
  const hash = createHash("sha256");
  for (const { name, role } of state) {
    if (isCounter(role)) continue;
    const { buffer, byteOffset, byteLength } = toFloat32(tensors.get(name) as StateTensor);
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}

/** Of a file, without the native library. @throws inputError for a file of another model */
async function fileWeightsSha256(path: string, modelName: string, numClasses: number): Promise<string> {
  const layout = stateLayout(modelName, numClasses);
  const { state } = await readCheckpoint(path);
  return weightsSha256(layout, tensorsFor(layout, state, { path, modelName }));
}

/** The checksum of several models, in order; a single one's own. */
const ofAll = (sums: readonly string[]): string => (sums.length === 1 ? (sums[0] as string) : sha256(sums.join("\n")));

function remembering<Words extends unknown[], Result>(ask: (...words: Words) => Result): typeof ask {
  const known = new Map<string, Result>();
  return (...words) => {
    const key = JSON.stringify(words);
    const result = known.get(key) ?? ask(...words);
    known.set(key, result);
    return result;
  };
}

/** Checksums for identities, each file read once; they throw inputError for an unreadable one. */
export function inputReader() {
  const outputsOf = remembering(sha256OfFile);
  const weightsOf = remembering(async (teachers: readonly TeacherFile[], dataset: string, folder: string) => {
    const classes = await classesIn(DATASETS.row(dataset), folder);
    return ofAll(await Promise.all(teachers.map(({ path, model }) => fileWeightsSha256(path, model, classes))));
  });
  return {
    filesOf: remembering((dataset: string, folder: string) => DATASETS.row(dataset).files(folder)),
    /** Of a run's teachers, or of the file of their outputs; undefined without a teacher. */
    async teacherOf(run: TeacherSource, dataset: string, folder: string): Promise<string | undefined> {
      if (run.teacher_outputs !== undefined) return outputsOf(run.teacher_outputs);
      const teachers = teachersOf(run);
      return teachers.length === 0 ? undefined : weightsOf(teachers, dataset, folder);
    },
    leftOut: remembering((list: string) => skipListIn(list)?.sha256),
  };
}

/** The data set's classes and, where known, image size. */
type ModelTask = Pick<TestImages, "name" | "numClasses"> & { readonly test?: Pick<ImageShape, "height"> };

/** Refuses another number of classes. @param subject start of the sentence @throws inputError */
export function refuseOtherClasses(
  state: readonly Pick<StateEntry, "name" | "role">[],
  tensors: StateDict,
  { name, numClasses }: ModelTask,
  subject: string,
): void {
  const classifier = state.findLast((entry) => entry.role === "linear.weight");
  const found = classifier && tensors.get(classifier.name)?.shape;
  if (found?.length !== 2 || found[0] === numClasses) return;
  throw inputError(
    `${subject} was trained for ${found[0]} classes; ${name} has ${numClasses}.`,
    `Give a model that was trained on ${DATASETS.row(name).title}, or its own data set with --dataset.`,
  );
}

/** The error for a checkpoint that does not say of which model it is. */
export const unknownModel = (checkpoint: string): PefdError =>
  inputError(
    `The model of ${checkpoint} cannot be determined from the file or its folder.`,
    "Name it with --model, such as --model resnet8x4.",
  );

/** Opens a frozen trained model. @throws inputError for a damaged file, another model or number of classes */
export async function openFrozen(
  path: string,
  name: string,
  dataset: ModelTask,
  mode?: "training" | "evaluation",
): Promise<OpenedModel> {
  const { state, metadata } = await readCheckpoint(path);
  const model = buildModel(name, dataset.numClasses, "zeros", dataset.test?.height);
  refuseOtherClasses(model.state, state, dataset, `The teacher in ${path}`);
  const tensors = tensorsFor(model.state, state, { path, modelName: name });
  loadState(model.state, tensors, { path, modelName: name });
  refuseNoOutputs(model, path);
  const sum = weightsSha256(model.state, tensors);
  return { ...frozen(model, mode), weightsSha256: sum, trainedOn: datasetIn(metadata) };
}

/** A run's teachers: each one, and all as one model. */
export type OpenedTeachers = Omit<OpenedModel, "trainedOn"> & { readonly each: readonly OpenedModel[] };

/** Opens a run's frozen teachers. @throws inputError as openFrozen, or for teachers of different data sets */
export async function openTeachers(
  files: readonly TeacherFile[],
  dataset: ModelTask,
  mode?: "training" | "evaluation",
): Promise<OpenedTeachers> {
  const each: OpenedModel[] = [];
  for (const { path, model } of files) each.push(await openFrozen(path, model, dataset, mode));
  const told = each.map(({ trainedOn = "" }, i) => [trainedOn, files[i]?.path] as const);
  const [first = ["", ""], ...others] = told.filter(([name]) => name !== "");
  const other = others.find(([name]) => name !== first[0]);
  if (other !== undefined) {
    throw inputError(
      `The teachers were trained on different data sets: ${first[1]} on ${first[0]}, ${other[1]} on ${other[0]}.`,
      "Give teachers that were trained on one data set.",
    );
  }
  return { ...ensemble(each), each, weightsSha256: ofAll(each.map(({ weightsSha256 }) => weightsSha256)) };
}

const SIDE = 32;

/**
 * Finite weights can give NaN (negative variances): tested on two images of noise. On a CPU only, as a GPU would load
 * cuDNN before XLA's programs, and its defects are not the teacher's.
 * @throws inputError
 */
function refuseNoOutputs(model: BuiltModel, path: string): void {
  if (isGpu()) return;
  const side = model.imageSize ?? SIDE;
  const random = createRandom(0, "outputs of a teacher");
  const noise = Float32Array.from({ length: 2 * side * side * 3 }, () => random.normal());
  const isSound = tf.tidy(() => {
    const images = tf.tensor4d(noise, [2, side, side, 3]);
    const { logits, pooled } = model.forward(images, { training: false, updates: [] });
    return [logits, pooled].every((output) => areNumbers(output.dataSync()));
  });
  if (!isSound) throw notNumbers(`The output of the teacher in ${path} for an image of noise`);
}
