import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { withoutPasswords } from "../common/text.js";
import { requireTeacher, resolveDistill, resolveEvaluations, resolveTeacher, withoutEffect } from "../config/derive.js";
import { modelNameIn } from "../config/modelName.js";
import { DISTILL_SECTIONS, type DistillOptions, EVAL_SECTIONS, TEACHER_SECTIONS } from "../config/options.js";
import { closeRegistries } from "../plugin/load.js";
import { withDatasetOf } from "../train/checkpointDataset.js";
import { runDistill } from "../train/distill.js";
import { runEvaluations } from "../train/evaluate.js";
import type { EvalResult, Hooks, RunResult } from "../train/files/result.js";
import { generationsOf } from "../train/files/runName.js";
import { runTeacher } from "../train/teacher.js";
import { layersOf, type OptionInput } from "./layers.js";
import { eventReporter, type RunEvent } from "./run.js";

closeRegistries();

type Tell = (event: RunEvent) => void;

export interface RunSettings {
  /** Ends the run gracefully: progress is saved for `resume`. */
  readonly signal?: AbortSignal | undefined;
}

const hooksOf = ({ signal }: RunSettings, tell: Tell): Hooks => ({
  reporter: eventReporter(tell),
  signal: signal ?? new AbortController().signal,
  env: process.env,
  origin: { command: withoutPasswords(process.argv.slice(1).join(" ")), node: process.versions.node },
});

const nameInFile = async (path: string) => modelNameIn((await readCheckpoint(path)).metadata);

/** See distill in index.ts. */
export async function distillWith(given: OptionInput, settings: RunSettings, tell: Tell): Promise<RunResult> {
  const layers = layersOf(given, DISTILL_SECTIONS);
  const resolved = resolveDistill(layers);
  for (const text of withoutEffect(layers, resolved)) tell({ kind: "notice", text });
  const options = await requireTeacher(layers, nameInFile, (model = "MODEL") => `pefd train-teacher --model ${model}`);
  const [first, ...later] = generationsOf(options);
  const hooks = hooksOf(settings, tell);
  let result = await runDistill(first as DistillOptions, hooks);
  for (const run of later) result = await runDistill(run, hooks);
  return result;
}

/** See trainTeacher in index.ts. */
export async function teach(given: OptionInput, settings: RunSettings, tell: Tell): Promise<RunResult> {
  const { options } = resolveTeacher(layersOf(given, TEACHER_SECTIONS));
  return runTeacher(options, hooksOf(settings, tell));
}

/** See evaluate in index.ts. */
export async function evaluateWith(given: OptionInput, { signal }: RunSettings, tell: Tell): Promise<EvalResult[]> {
  const layers = layersOf(given, EVAL_SECTIONS);
  const checkpoints = [given.checkpoint ?? []].flat().map(String);
  const evaluations = resolveEvaluations(await withDatasetOf(layers, checkpoints));
  const details = await runEvaluations(evaluations, {
    env: process.env,
    signal,
    onProgress: (_checkpoint, images, total) => tell({ kind: "evaluating", images, total }),
    onWarning: (text) => tell({ kind: "warning", text }),
    onNotice: (text) => tell({ kind: "notice", text }),
  });
  return details.map(({ result }) => result);
}
