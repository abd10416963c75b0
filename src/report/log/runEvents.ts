import { join } from "node:path";
import type { EpochRow, StepProgress } from "./contract.js";
import { newestMean } from "./means.js";
import { type EventLog, openEventLog } from "./tensorboard.js";

/** The five curves of the paper's train_student.py, by epoch. */
export const EPOCH_SCALARS: Readonly<Record<string, (row: EpochRow) => number>> = {
  train_acc: (row) => row.train.top1,
  train_loss: (row) => row.train.loss,
  test_acc: (row) => row.test.top1,
  test_loss: (row) => row.test.loss,
  test_acc_top5: (row) => row.test.top5,
};

/** Folder, inside a run's, of the curves by training step. */
export const STEP_EVENTS = "steps";

/** TensorBoard's view of a run. */
export interface RunEvents {
  /** Logs the five scalars at the row's epoch, and each term of the loss as `train_TERM`. */
  epochDone(row: EpochRow): void;
  /** Logs train_loss and train_acc by training step where one is due. */
  stepDone(progress: StepProgress): void;
  close(): void;
}

/** What is logged, and after what. */
export interface RunEventsOptions {
  /** The checkpoint's epoch when a run goes on; 0 for a fresh run. */
  readonly afterEpoch: number;
  /** Training steps per epoch. */
  readonly steps: number;
  /** Log by training step every so many steps; never when not given. */
  readonly tbFreq?: number | undefined;
  /** Milliseconds since 1970; Date.now by default. */
  readonly clock?: () => number;
}

/**
 * Opens the TensorBoard logs of a run: the curves by epoch in its folder, those by training step in `steps/`
 * below it, made with the first such value (see openEventLog for why they are apart).
 * @throws runError naming the file where it cannot be written
 */
export function openRunEvents(runDir: string, options: RunEventsOptions): RunEvents {
  const { afterEpoch, steps, tbFreq, clock } = options;
  const open = (folder: string, afterStep: number): EventLog =>
    openEventLog(folder, {
      ...(afterStep > 0 ? { afterStep } : {}),
      ...(clock ? { clock } : {}),
    });
  const epochs = open(runDir, afterEpoch);
  let byStep: EventLog | undefined;
  let last: StepProgress | undefined;

  const logStep = (progress: StepProgress, since: StepProgress | undefined) => {
    byStep ??= open(join(runDir, STEP_EVENTS), afterEpoch * steps);
    const step = (progress.epoch - 1) * steps + progress.step;
    byStep.scalar("train_loss", newestMean(since, progress, "loss"), step);
    byStep.scalar("train_acc", newestMean(since, progress, "top1"), step);
  };
  return {
    epochDone(row) {
      for (const [tag, value] of Object.entries(EPOCH_SCALARS)) {
        epochs.scalar(tag, value(row), row.epoch);
      }
      for (const [term, value] of Object.entries(row.train.terms ?? {})) {
        epochs.scalar(`train_${term}`, value, row.epoch);
      }
      epochs.flush();
    },
    stepDone(progress) {
      if (tbFreq === undefined) return;
      const since = last?.epoch === progress.epoch ? last : undefined;
      if (Math.floor(progress.step / tbFreq) <= Math.floor((since?.step ?? 0) / tbFreq)) return;
      logStep(progress, since);
      last = progress;
    },
    close() {
      epochs.close();
      byStep?.close();
    },
  };
}
