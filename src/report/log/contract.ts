/** Training progress after a step, or after the last of several steps of one call. */
export interface StepProgress {
  /** Counts from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, 1 after the first. */
  readonly step: number;
  readonly steps: number;
  /** Images seen in this epoch so far. */
  readonly images: number;
  /** Seconds per step since the last report, getting the data included. */
  readonly batchSeconds: number;
  /** Seconds per step spent waiting for data. */
  readonly dataSeconds: number;
  /** Mean over the epoch so far. */
  readonly loss: number;
  /** Percent over the epoch so far. */
  readonly top1: number;
  /** Percent over the epoch so far. */
  readonly top5: number;
}

/** Means over a set of images; accuracies in percent. */
export type Metrics = { readonly loss: number; readonly top1: number; readonly top5: number };

export interface TrainingMetrics extends Metrics {
  /** Unweighted loss terms by name; absent where the loss is one term. */
  readonly terms?: Readonly<Record<string, number>> | undefined;
}

export interface EpochRow {
  /** Counts from 1. */
  readonly epoch: number;
  readonly learningRate: number;
  readonly train: TrainingMetrics;
  readonly test: Metrics;
  /** Wall-clock seconds of the epoch, evaluation included. */
  readonly seconds: number;
  /** Mean milliseconds per training step. */
  readonly stepMs: number;
  /** Training images per second of training; 0 where unknown, as in rows read back. */
  readonly imagesPerSecond: number;
}

/** The best test accuracy (percent) so far and its epoch. */
export type Best = { readonly top1: number; readonly epoch: number };

export interface RunInfo {
  /** One line, e.g. "distil resnet32x4 -> resnet8x4 with ours". */
  readonly title: string;
  /** The loss with its weights, such as "loss = 1 CE + 25 ours". */
  readonly loss?: string;
  readonly runDir: string;
  readonly epochs: number;
  /** 1, or the epoch a resumed run goes on with. */
  readonly firstEpoch: number;
  /** Steps of that epoch already done; none by default. */
  readonly stepsDone?: number;
  /** Training steps per epoch. */
  readonly steps: number;
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
}

/** Reports the progress of a run. A trainer calls runEnded in `finally`. */
export interface RunReporter {
  runStarted(info: RunInfo): void;
  notice(text: string): void;
  /** A warning; quiet reporters show it, too. */
  warn(text: string): void;
  /** Current activity between steps, e.g. "compiling the step"; the next step or "" ends it. */
  phase(text: string): void;
  stepDone(progress: StepProgress): void;
  /** Test images evaluated so far. */
  evaluating(images: number, total: number): void;
  epochDone(row: EpochRow, best: Best): void;
  /** Removes the bar. Safe to call twice, and without runStarted. */
  runEnded(): void;
}
