import { counted } from "../../common/text/counted.js";
import type { DistillOptions } from "../../config/options.js";
import { createMetrics } from "../../learn/metrics.js";
import type { BuiltModel } from "../../models/build.js";
import type { Variable } from "../../runtime/tf.js";
import type { EngineChoice } from "../engine.js";
import { evaluateModel } from "../evaluation.js";
import type { BatchSource } from "../feeds/batchSource.js";
import type { Hooks } from "../files/result.js";

/** An evaluation of the teacher is worth its time where a run trains on so many times as many images. */
const TIMES_AS_MANY = 20;

/** How much there is to do in a run. */
export interface RunSize {
  readonly epochs: number;
  /** Training and test images. */
  readonly train: number;
  readonly test: number;
}

/** Whether a run tells its teacher's accuracy: always and never as asked; auto where it costs next to nothing. */
export const isTeacherEvaluated = (
  asked: DistillOptions["teacher_eval"],
  { epochs, train, test }: RunSize,
): boolean => asked === "always" || (asked === "auto" && epochs * train >= TIMES_AS_MANY * test);

/**
 * Evaluates the frozen teacher on the run's test images and tells its accuracy, as the paper's train_student.py does before
 * its first epoch. Ended by the signal, it tells nothing.
 */
export async function tellTeacherAccuracy(
  { model, variables }: { readonly model: BuiltModel; readonly variables: readonly Variable[] },
  test: BatchSource,
  choice: EngineChoice,
  { reporter, signal, blocking }: Hooks,
): Promise<void> {
  reporter.phase("evaluating the teacher");
  const { count } = test.set;
  const subject = { model, constants: variables, test };
  const evaluation = await evaluateModel(subject, choice, createMetrics(), {
    ...{ notice: reporter.notice, onWarning: reporter.warn, signal },
    ...(blocking && { blocking }),
    onProgress: (images) => reporter.evaluating(images, count),
  });
  if (evaluation === undefined) return;
  const { loss, top1, top5 } = evaluation;
  reporter.notice(
    `Teacher: top-1 ${top1.toFixed(2)} %, top-5 ${top5.toFixed(2)} %, loss ${loss.toFixed(4)} on ${counted(count, "test image")}.`,
  );
}
