// The package's export pefd: what the command line does, for programs. Nothing here writes to the terminal, ends the process
// or asks the environment for options. docs/library.md shows it at work.

import type { DistillOptions, EvalOptions, TeacherOptions } from "../config/options.js";
import type { SyntheticOptions } from "../data/dataset.js";
import type { Plot } from "../report/plots/plotParts.js";
import type { Collection } from "../report/runs/collect.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import type { TensorFlow } from "../runtime/tf.js";
import { loadTensorFlow as load } from "../runtime/tf.js";
import type { EvalResult, RunResult } from "../train/files/result.js";
import type { OpenedCheckpoint } from "./checkpoint.js";
import type { OptionInput } from "./layers.js";
import { type Run, startRun } from "./run.js";
import type { RunSettings } from "./work.js";

export { PefdError } from "../common/errors.js";
export { compile } from "../compile/program.js";
export type { Entry, Program, ProgramDescription, Step } from "../compile/types.js";
export type { Best, EpochRow, Metrics, RunInfo, StepProgress } from "../report/log/contract.js";
export { type Tensor, type TensorFlow, tf, type Update, type Variable } from "../runtime/tf.js";
export type { RunEvent } from "./run.js";
export type {
  Collection,
  DistillOptions,
  EvalOptions,
  EvalResult,
  OpenedCheckpoint,
  Plot,
  Run,
  RunRecord,
  RunResult,
  RunSettings,
  SyntheticOptions,
  TeacherOptions,
};

/** A preset's name (`pefd config list`) or a JSON file of options, for those that are not given. */
interface FromConfiguration {
  readonly config?: string;
}

/** Options of a distillation, as its flags are called (docs/flags.md), the method's own among them. */
export type DistillInput = Partial<DistillOptions> & FromConfiguration;

/** Options of a teacher's training, as its flags are called. */
export type TeacherInput = Partial<TeacherOptions> & FromConfiguration;

/** Options of an evaluation, as its flags are called. */
export type EvalInput = Partial<EvalOptions> & Pick<EvalOptions, "checkpoint"> & FromConfiguration;

const work = () => import("./work.js");

/**
 * Trains a student with a frozen teacher, as `pefd distill` does: the same defaults, files and bytes.
 * @param options those not given are as by default, or published for method and pair
 * @returns its events and, in the end, its result; `result` rejects with a PefdError for options, files or a run that failed
 */
export const distill = (options: DistillInput, settings: RunSettings = {}): Run<RunResult> =>
  startRun(async (tell) => (await work()).distillWith(options as OptionInput, settings, tell));

/**
 * Trains a model on labels, like `pefd train-teacher`.
 * @returns its events and, in the end, its result; see distill
 */
export const trainTeacher = (options: TeacherInput, settings: RunSettings = {}): Run<RunResult> =>
  startRun(async (tell) => (await work()).teach(options as unknown as OptionInput, settings, tell));

/**
 * Loss and accuracy of a checkpoint on the test images, like `pefd eval`.
 * @returns its events (evaluating, notices) and, in the end, its result
 */
export const evaluate = (options: EvalInput, settings: RunSettings = {}): Run<EvalResult> =>
  startRun(async (tell) => {
    const { evaluateWith } = await work();
    const [result] = await evaluateWith(options as unknown as OptionInput, settings, tell);
    return result as EvalResult;
  });

/**
 * Reads a checkpoint of any format that pefd reads: .pth of PyTorch (nothing in it is run), .safetensors, a SavedModel of
 * its own.
 * @throws PefdError that says what is wrong with the file
 */
export async function openCheckpoint(path: string): Promise<OpenedCheckpoint> {
  return (await import("./checkpoint.js")).openCheckpoint(path);
}

/**
 * The runs in some folders and below them, unfinished ones included, sorted by folder; and a sentence for each folder that
 * looks like a run and cannot be read.
 * @throws PefdError where a given folder does not exist
 */
export async function loadRuns(...folders: readonly string[]): Promise<Collection> {
  const { collectRuns } = await import("../report/runs/collect.js");
  return collectRuns(folders.length > 0 ? folders : ["save"]);
}

/** Every plot of a report over some runs, as SVG: learning curves, final accuracies, accuracy over cost. */
export async function plotRuns(runs: readonly RunRecord[]): Promise<Plot[]> {
  return (await import("./plots.js")).plotRuns(runs);
}

/**
 * Writes a small synthetic data set in a data set's format, as `pefd data synthesize` does.
 * @throws PefdError for a data set that there is no such thing of, or a folder that cannot be written
 */
export async function synthesize(dataset: string, folder: string, options: SyntheticOptions): Promise<void> {
  const { synthesizeIn } = await import("./synthesize.js");
  return synthesizeIn(dataset, folder, options);
}

/**
 * Takes methods, models and data sets of plug-ins, as `--plugin` does (docs/plugins.md). Before anything else is called.
 * @param files paths of JavaScript or, where Node.js runs it, TypeScript
 * @throws PefdError for a file that is not there, that throws, that has another shape, or whose names are taken
 */
export async function loadPlugins(...files: readonly string[]): Promise<void> {
  const loader = await import("../plugin/load.js");
  await loader.loadPlugins(files, process.features as { readonly typescript?: unknown });
}

/**
 * Loads TensorFlow, which is loaded when it is first needed otherwise: for programs that describe steps of their own
 * (compile).
 * @throws PefdError where it is not set up
 */
export const loadTensorFlow = (): TensorFlow => load({ env: process.env });
