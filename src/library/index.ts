// The package's export pefd: the command line's work for programs (docs/library.md). Nothing here writes to the
// terminal, ends the process or reads options from the environment.

import type { DistillOptions, EvalOptions, TeacherOptions } from "../config/options.js";
import type { SyntheticOptions } from "../data/dataset.js";
import type { Plot } from "../report/plots/plotParts.js";
import type { Collection } from "../report/runs/collect.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import { loadTensorFlow as load, type TensorFlow } from "../runtime/tf.js";
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

/** A preset (`pefd config list`) or JSON file, for options not given. */
type FromConfiguration = { readonly config?: string };

/** A distillation's flags (docs/flags.md), with the method's own. */
export type DistillInput = Partial<DistillOptions> & FromConfiguration;

/** Flags of a teacher's training. */
export type TeacherInput = Partial<TeacherOptions> & FromConfiguration;

/** Flags of an evaluation. */
export type EvalInput = Partial<EvalOptions> & Pick<EvalOptions, "checkpoint"> & FromConfiguration;

const work = () => import("./work.js");

/**
 * Trains a student with a frozen teacher: defaults, files and bytes of `pefd distill`.
 * @param options others are as by default, or published for method and pair
 * @returns events and the result, which rejects with a PefdError for invalid options or files, or a failed run
 */
export const distill = (options: DistillInput, settings: RunSettings = {}): Run<RunResult> =>
  startRun(async (tell) => (await work()).distillWith(options as OptionInput, settings, tell));

/** Trains a model on labels, like `pefd train-teacher`. @returns events and the result; see distill */
export const trainTeacher = (options: TeacherInput, settings: RunSettings = {}): Run<RunResult> =>
  startRun(async (tell) => (await work()).teach(options as unknown as OptionInput, settings, tell));

/** Evaluates a checkpoint on the test images, like `pefd eval`. @returns events (evaluating, notices) and the result */
export const evaluate = (options: EvalInput, settings: RunSettings = {}): Run<EvalResult> =>
  startRun(async (tell) => {
    const { evaluateWith } = await work();
    const [result] = await evaluateWith(options as unknown as OptionInput, settings, tell);
    return result as EvalResult;
  });

/**
 * Reads a checkpoint: PyTorch's .pth (without running code in it), .safetensors, or pefd's SavedModel.
 * @throws PefdError with what is wrong with the file
 */
export async function openCheckpoint(path: string): Promise<OpenedCheckpoint> {
  return (await import("./checkpoint.js")).openCheckpoint(path);
}

/**
 * Runs in and below folders, unfinished ones included, sorted by folder, with a sentence per unreadable run.
 * @throws PefdError for a missing folder
 */
export async function loadRuns(...folders: readonly string[]): Promise<Collection> {
  const { collectRuns } = await import("../report/runs/collect.js");
  return collectRuns(folders.length > 0 ? folders : ["save"]);
}

/** A report's plots of runs as SVG: learning curves, final accuracies, accuracy over cost. */
export async function plotRuns(runs: readonly RunRecord[]): Promise<Plot[]> {
  return (await import("./plots.js")).plotRuns(runs);
}

/** Writes a small synthetic data set, like `pefd data synthesize`. @throws PefdError if impossible, or not writable */
export async function synthesize(dataset: string, folder: string, options: SyntheticOptions): Promise<void> {
  const { synthesizeIn } = await import("./synthesize.js");
  return synthesizeIn(dataset, folder, options);
}

/**
 * Loads plug-ins, like `--plugin` (docs/plugins.md); call it before anything else.
 * @param files JavaScript or, where Node.js runs it, TypeScript
 * @throws PefdError for a file that is missing, throws or has another shape, or taken names
 */
export async function loadPlugins(...files: readonly string[]): Promise<void> {
  const loader = await import("../plugin/load.js");
  await loader.loadPlugins(files, process.features as { readonly typescript?: unknown });
}

/** Loads TensorFlow before its first use, for steps of one's own (compile). @throws PefdError where it is not set up */
export const loadTensorFlow = (): TensorFlow => load({ env: process.env });
