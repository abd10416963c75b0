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
 * A tracker that runs are sent to: a server, or a client in a process of its own. Every call throws an error for people
 * where the tracker does not answer, refuses or cannot write, and stops when its signal is aborted.
 */
export interface TrackingPlace {
  /** Which tracker it is, without names and passwords. */
  readonly address: string;
  /** The file in a run's folder that says which run of the tracker it is. */
  readonly stateFile: "mlflow.json" | "wandb.json";
  /** What is to be done before training starts. @throws environmentError where something is missing */
  prepare?(): Promise<void>;
  /** Makes a run, and sends nothing else of it. @returns its id: letters, digits, `_` and `-` */
  createRun(run: TrackedRun, signal: AbortSignal): Promise<string>;
  /**
   * Sends the settings of a new run, or goes on with an earlier one.
   * @returns where people can look at it, where the tracker says so
   */
  begin(
    runId: string,
    run: TrackedRun,
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /** Adds values to a run: those of whole steps, in order of their steps. */
  logMetrics(runId: string, metrics: readonly Metric[], signal: AbortSignal): Promise<void>;
  /** @param time when it ended, in milliseconds since 1970 */
  end(
    runId: string,
    status: Exclude<RunStatus, "RUNNING">,
    time: number,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends what the tracker has started here, at once when the signal is aborted. */
  close?(signal: AbortSignal): Promise<void>;
}
