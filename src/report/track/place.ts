/** A value at a step. */
export interface Metric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

/** How a run stands. */
export type RunStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

/** What a run begins with. */
export interface TrackedRun {
  /** What the run is compared within: its pair or its model. */
  readonly experiment: string;
  readonly name: string;
  /** Its configuration, as config.json has it. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * Somewhere that runs are told of: a server, or files in a tracker's format. Every call throws an error for people where
 * the place does not answer, refuses or cannot be written.
 */
export interface TrackingPlace {
  /** Which place it is, without names and passwords. */
  readonly address: string;
  /** The file in a run's folder that says which run of the place it is. */
  readonly stateFile: "mlflow.json" | "wandb.json";
  /** Makes a run. @returns its id: letters, digits, `_` and `-` */
  createRun(run: TrackedRun): Promise<string>;
  /** Adds values to a run: those of whole steps, in order of their steps. */
  logMetrics(runId: string, metrics: readonly Metric[]): Promise<void>;
  /** @param time milliseconds since 1970 */
  setStatus(runId: string, status: RunStatus, time: number): Promise<void>;
}
