import { existsSync } from "node:fs";
import { toFloat32 } from "../checkpoint/float.js";
import { matchState } from "../checkpoint/match.js";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../common/errors.js";
import type { StateDict, StateTensor } from "../common/stateDict.js";
import { sizedDataset } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import { variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import { deviceWarning } from "../runtime/device.js";
import type { NativeNeeds } from "../runtime/prepare.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { openPredictorOf, readPredictor } from "../train/files/predictor.js";
import { isOfAnotherRun, refuseStranger } from "../train/files/runStore.js";
import { loadState } from "../train/files/stateFiles.js";
import { openFrozen } from "../train/openModel.js";
import { type BatchSource, chooseSources } from "../train/source.js";
import { measure } from "./measures.js";
import { collectOutputs, dot, imagesAtOnce, type Matrix, type Outputs, rowAt, zeros } from "./outputs.js";
import type { Setting, Subject } from "./subjects.js";

/** One linear projector: x -> W x + b. */
export interface Projector {
  /** [outputs, inputs] */
  readonly weight: Matrix;
  /** [outputs] */
  readonly bias: Float64Array;
}

const projectorsFile = (checkpoint: string): string =>
  checkpoint.replace(/\.(safetensors|pth|pt)$/, "").concat("_projectors.safetensors");

const weightName = (i: number) => `projectors.${i}.weight`;
/** Of a projector ensemble; methods with other layers have no such projectors. */
const PROJECTOR_TENSOR = /^projectors\.\d+\.(weight|bias)$/;
const biasName = (i: number) => `projectors.${i}.bias`;

function toProjector(state: StateDict, i: number): Projector {
  const weight = state.get(weightName(i)) as StateTensor;
  const [rows, columns] = weight.shape as [number, number];
  return {
    weight: { rows, columns, values: Float64Array.from(toFloat32(weight)) },
    bias: Float64Array.from(toFloat32(state.get(biasName(i)) as StateTensor)),
  };
}

/**
 * The projectors beside a checkpoint, from [inputs] student features to [outputs] teacher features.
 * @returns undefined where there are none, or none of features (`kd1proj` projects logits)
 * @throws inputError for a file that is damaged, lacks tensors, or is of another run or epoch than the checkpoint
 */
async function readProjectors(
  checkpoint: Pick<Checkpoint, "path" | "metadata">,
  inputs: number,
  outputs: number,
): Promise<readonly Projector[] | undefined> {
  const path = projectorsFile(checkpoint.path);
  if (!existsSync(path)) return undefined;
  const { state, metadata } = await readCheckpoint(path);
  refuseStranger(path, { metadata }, checkpoint);
  if (![...state.keys()].every((name) => PROJECTOR_TENSOR.test(name))) return undefined;
  const [rows, columns] = state.get(weightName(0))?.shape ?? [];
  if (rows !== undefined && (rows !== outputs || columns !== inputs)) return undefined;
  const count = Math.max(1, Math.ceil(state.size / 2));
  const expected = Array.from({ length: count }, (_, i) => [
    { name: weightName(i), shape: [outputs, inputs], isCounter: false },
    { name: biasName(i), shape: [outputs], isCounter: false },
  ]);
  matchState(expected.flat(), state, { path, modelName: "the projectors" });
  return Array.from({ length: count }, (_, i) => toProjector(state, i));
}

/** The ensemble's 1/P sum_i relu(W_i s + b_i), [N, outputs] (PEFD, section 3). @param features [N, inputs] */
export function project(features: Matrix, projectors: readonly Projector[]): Matrix {
  const outputs = projectors[0]?.weight.rows ?? 0;
  const result = zeros(features.rows, outputs);
  for (let i = 0; i < features.rows; i++) {
    const input = rowAt(features, i);
    const output = rowAt(result, i);
    for (const { weight, bias } of projectors) addProjection(output, weight, bias, input);
    for (let j = 0; j < outputs; j++) output[j] = (output[j] as number) / projectors.length;
  }
  return result;
}

/** output += relu(W x + b) */
function addProjection(output: Float64Array, weight: Matrix, bias: Float64Array, input: Float64Array): void {
  for (let j = 0; j < output.length; j++) {
    const z = dot(rowAt(weight, j), input) + (bias[j] as number);
    output[j] = (output[j] as number) + Math.max(0, z);
  }
}

/** Measures of one checkpoint. */
export interface Finding {
  readonly subject: Subject;
  readonly epoch: number | undefined;
  /** Projectors of features beside the checkpoint; undefined without such a file. */
  readonly projectors: number | undefined;
  /** Number of images. */
  readonly n: number;
  /** See measures.ts; null where a measure does not exist for the pair. */
  readonly measures: Readonly<Record<string, number | null>>;
}

/** A teacher's outputs on its images, made once for all its students. */
type Reference = { readonly images: BatchSource; readonly numClasses: number; readonly outputs: Outputs };

const WORKERS = 8;

async function openReference(setting: Setting): Promise<Reference> {
  const { data, imageSize, limitTest, skipList, teacherPath, teacherModel } = setting;
  const skip = skipListIn(skipList);
  const row = sizedDataset(setting.dataset, imageSize);
  const { test, ...task } = await row.openTest(data, limitTest, skip);
  const { model, variables } = await openFrozen(teacherPath, teacherModel, { ...task, test });
  const settings = { workers: WORKERS, batchSize: imagesAtOnce(test) };
  const [images] = chooseSources([test], "eager", settings) as [BatchSource];
  const outputs = collectOutputs(model, images);
  tf.dispose([...variables]);
  return { images, numClasses: task.numClasses, outputs };
}

async function analyzeOne(
  subject: Subject,
  { images, numClasses, outputs }: Reference,
  tell: (text: string) => void,
): Promise<Finding> {
  const { checkpoint, model: name } = subject;
  const { state, metadata } = await readCheckpoint(checkpoint);
  if (isOfAnotherRun(metadata, subject.identitySha256)) {
    throw inputError(
      `${checkpoint} belongs to another run than the config.json next to it.`,
      "Restore the run's file, or analyze this one with --checkpoint.",
    );
  }
  const model = buildModel(name, numClasses, "zeros", images.set.height);
  loadState(model.state, state, { path: checkpoint, modelName: name });
  const predictor = await readPredictor(checkpoint, metadata);
  const warn = (text: string) => tell(`warning: ${text}`);
  const through = openPredictorOf(model, predictor, { checkpoint, done: "analysed", warn });
  const student = collectOutputs({ ...model, ...through?.evaluated }, images);
  tf.dispose([...variablesOf(model.state), ...(through?.variables ?? [])]);
  const teacherSize = outputs.features.columns;
  const of = { path: checkpoint, metadata };
  const projectors = await readProjectors(of, model.featureSize, teacherSize);
  const projected = projectors && project(student.features, projectors);
  return {
    subject,
    epoch: typeof metadata.epoch === "number" ? metadata.epoch : undefined,
    projectors: projectors?.length,
    n: images.set.count,
    measures: measure({ student, teacher: outputs, projected, labels: images.set.labels }),
  };
}

const keyOf = (setting: Setting): string => {
  const { teacherPath, teacherModel, dataset, data, imageSize, limitTest, skipList } = setting;
  const images = [dataset, data, imageSize, limitTest, skipList];
  return JSON.stringify([teacherPath, teacherModel, ...images]);
};

/** Opens each setting once; one that failed fails again with the same error. */
function openOnce() {
  const opened = new Map<string, Promise<Reference>>();
  return {
    open(setting: Setting): Promise<Reference> {
      const key = keyOf(setting);
      const reference = opened.get(key) ?? openReference(setting);
      opened.set(key, reference);
      return reference;
    },
    async close() {
      for (const one of await Promise.allSettled(opened.values())) {
        if (one.status === "fulfilled") one.value.images.close?.();
      }
    },
  };
}

/**
 * Measures students against their teachers on the test images; what cannot be measured is skipped, if not all.
 * @param tell called before each checkpoint, for each one skipped, and for what is wrong with the device
 * @throws inputError for a file that is no checkpoint of its model, an unknown model, or data that cannot be read
 */
export async function analyze(
  subjects: readonly Subject[],
  tell: (text: string) => void,
  device: Pick<NativeNeeds, "env" | "gpu">,
): Promise<Finding[]> {
  loadTensorFlow({ ...device, exactFloat32: true });
  const warning = deviceWarning(device.env);
  if (warning !== undefined) tell(`warning: ${warning}`);
  const references = openOnce();
  const findings: Finding[] = [];
  const failures = new Set<PefdError>();
  for (const [index, subject] of subjects.entries()) {
    try {
      [subject.model, subject.teacherModel].forEach(modelRow);
      const of = await references.open(subject);
      tell(`${subject.checkpoint} (${index + 1}/${subjects.length})`);
      findings.push(await analyzeOne(subject, of, tell));
    } catch (error) {
      if (subject.run === undefined || !(error instanceof PefdError)) throw error;
      if (!failures.has(error)) tell(`warning: skipping ${subject.run.dir}: ${error.message}`);
      failures.add(error);
    }
  }
  await references.close();
  const [failure] = failures;
  if (findings.length === 0 && failure !== undefined) throw failure;
  return findings;
}
