import { homedir } from "node:os";
import { cacheDirectory } from "../common/cachePaths.js";
import { inputError } from "../common/errors.js";
import { counted } from "../common/text.js";
import { type DistillOptions, teacherNameOf, teachersOf } from "../config/options.js";
import type { Dataset } from "../data/dataset.js";
import { namesIn } from "../distill/combination.js";
import type { Method } from "../distill/method.js";
import { ownOptions } from "../distill/open.js";
import { weightedMethod } from "../distill/registry.js";
import { type TeacherView, usedViews } from "../distill/views.js";
import { lossFormula } from "../distill/weights.js";
import { studentLearner } from "../learn/learners.js";
import type { BuiltModel } from "../models/build.js";
import { isGpu } from "../runtime/device.js";
import type { Variable } from "../runtime/tf.js";
import { epochParts } from "./calls.js";
import { optionsOf } from "./devices.js";
import type { EngineChoice } from "./engine.js";
import { isDue } from "./epoch.js";
import { evaluateBeside } from "./evaluation.js";
import { withPredictor } from "./files/predictor.js";
import type { Hooks, RunResult } from "./files/result.js";
import { studentFolder } from "./files/runName.js";
import { type OpenedTeachers, openTeachers } from "./openModel.js";
import { asBegun, train } from "./prepare.js";
import { openScene, type Scene } from "./scene.js";
import type { BatchSource } from "./source.js";
import { teacherAhead } from "./teacherAhead.js";
import { openTeacherCache } from "./teacherCache/open.js";
import { openTeacherOutputs } from "./teacherOutputs.js";

/** With auto, the teacher is evaluated if the run trains on at least this many times the number of test images. */
const TIMES_AS_MANY = 20;

interface RunSize {
  readonly epochs: number;
  readonly train: number;
  readonly test: number;
}

/** Whether to evaluate the teacher: as requested; auto where it is cheap. */
export const isTeacherEvaluated = (asked: DistillOptions["teacher_eval"], { epochs, train, test }: RunSize): boolean =>
  asked === "always" || (asked === "auto" && epochs * train >= TIMES_AS_MANY * test);

/** Reports test accuracy as the paper's train_student.py; silent when the signal ended it. @returns top-1 */
async function tellTeacherAccuracy(
  { model, variables }: { readonly model: BuiltModel; readonly variables: readonly Variable[] },
  test: BatchSource,
  choice: EngineChoice,
  hooks: Hooks,
): Promise<number | undefined> {
  const { reporter } = hooks;
  reporter.phase("evaluating the teacher");
  const { count } = test.set;
  const subject = { model, constants: variables, test };
  const evaluation = await evaluateBeside(subject, choice, hooks, (images) => reporter.evaluating(images, count));
  if (evaluation === undefined) return undefined;
  const { loss, top1, top5 } = evaluation;
  reporter.notice(
    `${model.members === undefined ? "Teacher" : `Mean of ${model.members.length} teachers`}: top-1 ${top1.toFixed(2)} %, top-5 ${top5.toFixed(2)} %, loss ${loss.toFixed(4)} on ${counted(count, "test image")}.`,
  );
  return top1;
}

function viewsOf(options: DistillOptions): TeacherView[] {
  const { method, weights } = weightedMethod(options);
  return usedViews(method.sees(ownOptions(method, options)), weights);
}

const openCache = (
  { each }: OpenedTeachers,
  options: DistillOptions,
  { dataset, choice }: Scene,
  { reporter, env }: Hooks,
) =>
  openTeacherCache({
    teachers: each,
    method: weightedMethod(options).method,
    dataset,
    choice,
    reporter,
    views: viewsOf(options),
    batchSize: options.batch_size,
    exact: options.deterministic,
    cacheDirectory: cacheDirectory(env, homedir()),
  });

/** Steps per teacher pass, with a notice if not as requested. */
function stepsAhead(
  { model }: OpenedTeachers,
  options: DistillOptions,
  { choice, dataset }: Scene,
  { reporter }: Hooks,
): number {
  const { steps, why } = teacherAhead({
    asked: options.teacher_ahead,
    method: weightedMethod(options).method,
    teacher: model,
    choice,
    views: viewsOf(options),
    batchSize: options.batch_size,
    exact: options.deterministic,
    gpu: isGpu(),
    parts: epochParts(Math.floor(dataset.train.count / options.batch_size), (step) => isDue(options, step)),
  });
  if (why !== undefined) reporter.notice(`--teacher_ahead is not used here: ${why}.`);
  return steps;
}

/** Strong and class views need images in memory. @throws inputError before training */
function refuseSecondView(
  { strongView, classView }: Pick<Method, "strongView" | "classView">,
  { name, train }: Dataset,
  distill: string,
): void {
  if (!(strongView || classView) || train.kind === "memory") return;
  const view = strongView ? "a second, strongly changed view of each image" : "another image of each image's class";
  throw inputError(
    `${distill} looks at ${view}, which is made of images in memory only; those of ${name} stay in their files.`,
    "Take another method, or a data set of small images such as tiny-imagenet.",
  );
}

/** Trains as the paper's train_student.py. @throws inputError for invalid inputs, runError for a failed run */
export async function runDistill(typed: DistillOptions, hooks: Hooks): Promise<RunResult> {
  const options = optionsOf(typed, hooks.devices);
  const runDir = studentFolder(options);
  const scene = await openScene(asBegun(options, runDir), hooks);
  const { numClasses } = scene.dataset;
  const { method } = weightedMethod(options);
  refuseSecondView(method, scene.dataset, options.distill);
  const { teacherMode } = method;
  const { model_s, generation } = options;
  const name_t = teacherNameOf(options);
  const files = teachersOf(options);
  const teacher = files.length === 0 ? undefined : await openTeachers(files, scene.dataset, teacherMode);
  const outputs =
    options.teacher_outputs === undefined
      ? undefined
      : await openTeacherOutputs({
          path: options.teacher_outputs,
          dataset: scene.dataset,
          method,
          views: viewsOf(options),
        });
  const { labels, height } = scene.dataset.train;
  const student = studentLearner(teacher?.model ?? outputs, options, numClasses, scene.seed, labels, height);
  for (const text of [...(outputs?.notices ?? []), ...(student.notices ?? [])]) hooks.reporter.notice(text);
  const { train: trained, test: tested } = scene.dataset;
  const size = { epochs: options.epochs, train: trained.count, test: tested.count };
  const tellsTeacher = isTeacherEvaluated(options.teacher_eval, size);
  const title = [
    name_t === undefined ? model_s : `${name_t} -> ${model_s}`,
    options.distill,
    ...(generation === undefined ? [] : [`generation ${generation}`]),
    `trial ${options.trial}`,
  ].join(", ");
  return train(
    {
      kind: "distill",
      title,
      loss: lossFormula(namesIn(options.distill), options),
      runDir,
      learner: withPredictor(student),
      constants: teacher?.variables ?? [],
      ...(outputs && { outputs, teacherSha256: outputs.sha256 }),
      ...(teacher && {
        ahead: stepsAhead(teacher, options, scene, hooks),
        teacherSha256: teacher.weightsSha256,
        ...(tellsTeacher && {
          evaluateTeacher: (test: BatchSource) => tellTeacherAccuracy(teacher, test, scene.choice, hooks),
        }),
        ...(options.teacher_cache && { openCache: () => openCache(teacher, options, scene, hooks) }),
      }),
    },
    options,
    scene,
    hooks,
  );
}
