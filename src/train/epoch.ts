import { setImmediate } from "node:timers/promises";
import type { TrainOptions } from "../config/options.js";
import type { Augmentation } from "../data/augmentation.js";
import { epochPlan, PLAN_COLUMNS } from "../data/sampler.js";
import type { StepProgress } from "../report/log/contract.js";
import type { TrainingSession } from "./session.js";

export interface EpochTask {
  readonly session: TrainingSession;
  readonly seed: number;
  /** 1-based */
  readonly epoch: number;
  readonly epochs: number;
  readonly images: number;
  /** drop_last. */
  readonly wholeBatches?: boolean;
  readonly augmentation: Augmentation;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Number of the epoch's steps already done; 0 unless resumed. */
  readonly firstStep: number;
  /** Whether a line or log is due after a step (1-based). */
  isDue(step: number): boolean;
  readonly signal: AbortSignal;
  /** After every call, several times a second. */
  onProgress(progress: StepProgress): void;
}

export interface EpochOutcome {
  /** Including earlier processes. */
  readonly steps: number;
  /** False when the signal ended it. */
  readonly completed: boolean;
  /** Of this process, for its steps. */
  readonly seconds: number;
}

/** Steps of an epoch, with its partial batch unless dropped. */
export const stepsPerEpoch = (
  images: number,
  batchSize: number,
  { wholeBatches = false }: { readonly wholeBatches?: boolean },
): number => (wholeBatches ? Math.floor : Math.ceil)(images / batchSize);

/** Whether a line as in the paper's code or a TensorBoard value is due after a step (1-based). */
export function isDue({ print_freq, tb_freq }: TrainOptions, step: number): boolean {
  const line = print_freq !== undefined && (step - 1) % print_freq === 0;
  return line || step % tb_freq === 0;
}

/** Trains one epoch in the seed's order, in calls of adaptive length with turns of the event loop between them. */
export async function trainEpoch(task: EpochTask): Promise<EpochOutcome> {
  const { session, images, batchSize, firstStep, signal } = task;
  const plan = epochPlan(task.seed, task.epoch, images, task.augmentation);
  const steps = stepsPerEpoch(images, batchSize, task);
  const wholeSteps = Math.floor(images / batchSize);
  const started = performance.now();
  const pace = session.pace();
  const callAt = (from: number): number =>
    from < wholeSteps
      ? stepsUntilDue(task, from, Math.min(pace.steps(), wholeSteps - from))
      : Math.min(1, steps - from);
  let step = firstStep;
  while (step < steps && !signal.aborted) {
    const count = callAt(step);
    const before = performance.now();
    const rows = rowsOf(plan, step, count, batchSize);
    const first = step + 1;
    step += count;
    const upcoming = rowsOf(plan, step, steps - step, batchSize);
    const place = { learningRate: task.learningRate, epoch: task.epoch, step: first };
    const dataSeconds = session.train(rows, place, upcoming, callAt(step));
    task.onProgress(progressAt(task, step, steps, (performance.now() - before) / 1000 / count, dataSeconds / count));
    pace.took(count, performance.now() - before);
    await setImmediate();
  }
  return { steps: step, completed: step === steps, seconds: (performance.now() - started) / 1000 };
}

/** At most `room`, fewer when progress is due. */
function stepsUntilDue({ isDue }: EpochTask, step: number, room: number): number {
  let count = 1;
  while (count < room && !isDue(step + count)) count++;
  return count;
}

const rowsOf = (plan: Int32Array, step: number, count: number, batchSize: number): Int32Array =>
  plan.subarray(step * batchSize * PLAN_COLUMNS, (step + count) * batchSize * PLAN_COLUMNS);

function progressAt(
  { session, epoch, epochs }: EpochTask,
  step: number,
  steps: number,
  batchSeconds: number,
  dataSeconds: number,
): StepProgress {
  const { images, loss, top1, top5 } = session.metrics();
  return { epoch, epochs, step, steps, images, batchSeconds, dataSeconds, loss, top1, top5 };
}
