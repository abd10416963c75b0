import type { Best, EpochRow } from "../log/contract.js";

/** What a run's folder tells, whether the run is over or not. */
export interface RunRecord {
  /** The folder, as it was reached from the given one. */
  readonly dir: string;
  readonly kind: "distill" | "teacher";
  /** The model that was trained. */
  readonly model: string;
  /** The teacher's model; undefined for a teacher's own training. */
  readonly teacher: string | undefined;
  /** The distillation method, or the variant that it is; undefined for a teacher's own training. */
  readonly method: string | undefined;
  readonly trial: number;
  /** Epochs that the run is to have. */
  readonly epochs: number;
  /** The epochs done so far. */
  readonly rows: readonly EpochRow[];
  /** Whether all epochs are done. */
  readonly finished: boolean;
  /** config.json as it stands. */
  readonly config: Readonly<Record<string, unknown>>;
  /** result.json as it stands; undefined where there is none. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
  /** When something was last logged, milliseconds since 1970. */
  readonly updatedAt: number;
}

/** The best test accuracy of a run and its first epoch; undefined before the first epoch is done. */
export function bestOf(run: RunRecord): Best | undefined {
  return run.rows.reduce<Best | undefined>(
    (best, { epoch, test }) =>
      best === undefined || test.top1 > best.top1 ? { top1: test.top1, epoch } : best,
    undefined,
  );
}

/** Seconds that the epochs done so far took together, whether in one go or resumed. */
export const secondsOf = (run: RunRecord): number =>
  run.rows.reduce((sum, row) => sum + row.seconds, 0);
