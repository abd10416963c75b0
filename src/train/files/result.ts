import type { Metrics, RunReporter, TrainingMetrics } from "../../report/log/contract.js";
import type { CacheTally } from "../teacherCache/lookup.js";

/** What a run is given besides its options. */
export interface Hooks {
  readonly reporter: RunReporter;
  /** Ends the run in good order: what is done is saved. */
  readonly signal: AbortSignal;
  /** The process's environment, for the names of devices. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Has something done should the process be ended at once meanwhile.
   * @param act what to do, without waiting for anything
   * @returns takes it back
   */
  readonly atExit?: (act: () => void) => () => void;
  /** Does work that blocks the process for long, such that a signal ends it at once. */
  readonly blocking?: (work: () => void) => void;
}

/** A finished run, as `--json` prints it and result.json keeps it. */
export interface RunResult {
  readonly runDir: string;
  readonly epochs: number;
  readonly train: TrainingMetrics;
  readonly test: Metrics;
  readonly best: { readonly top1: number; readonly epoch: number };
  /** Wall time of all epochs, evaluation included. */
  readonly seconds: number;
  /** Mean time of a training step in the last epoch. */
  readonly stepMs: number;
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
  /** sha256 over the final weights' bytes in state_dict order. */
  readonly weightsSha256: string;
  /** With --teacher_cache: what it brought in the process that ended the run. */
  readonly teacherCache?: CacheTally;
}

/** An evaluation, as `--json` prints it. */
export interface EvalResult {
  readonly model: string;
  readonly checkpoint: string;
  /** Test images. */
  readonly n: number;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
  /** Whether a GPU may have rounded factors of float32 to TF32: never in an evaluation in float32, unless it was told to. */
  readonly tf32: boolean;
  /** The method that predicted through more than the student, as in its run's evaluations. */
  readonly predictsThrough?: string;
}
