import { basename } from "node:path";
import { teacherNameOf } from "../../config/options.js";
import { readConfig } from "../../runFiles/identity.js";
import { readTracked, type Tracked, writeTracked } from "../../runFiles/stateFile.js";
import type { EpochRow, RunInfo, RunReporter } from "../log/contract.js";
import { epochValues, readEpochLog } from "../log/epochLog.js";

export type Environment = Readonly<Record<string, string | undefined>>;

interface Metric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

export type RunStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

export interface TrackedRun {
  /** Comparison group of a run: its pair or model. */
  readonly experiment: string;
  readonly name: string;
  /** Its configuration, as config.json has it. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A server, or a client in its own process. Calls throw errors for people, and stop when their signal is aborted. */
export interface TrackingPlace {
  /** Which tracker it is, without names and passwords. */
  readonly address: string;
  /** The file in a run's folder that says which run of the tracker it is. */
  readonly stateFile: "mlflow.json" | "wandb.json";
  /** Work before training starts. @throws environmentError where something is missing */
  prepare?(): Promise<void>;
  /** Makes a run, and sends nothing else of it. @returns its id: letters, digits, `_` and `-` */
  createRun(run: TrackedRun, signal: AbortSignal): Promise<string>;
  /** Sends a new run's settings, or resumes an earlier one. @returns where people can see it, if known */
  begin(runId: string, run: TrackedRun, isNew: boolean, signal: AbortSignal): Promise<string | undefined>;
  /** Adds values to a run: those of whole steps, in order of their steps. */
  logMetrics(runId: string, metrics: readonly Metric[], signal: AbortSignal): Promise<void>;
  /** @param time when it ended, in milliseconds since 1970 */
  end(runId: string, status: Exclude<RunStatus, "RUNNING">, time: number, signal: AbortSignal): Promise<void>;
  /** Ends what the tracker has started here, at once when the signal is aborted. */
  close?(signal: AbortSignal): Promise<void>;
}

/** Milliseconds that a tracker may still take, in all, once a run has ended. */
const LAST_MS = 10_000;

export interface Tracker {
  readonly reporter: RunReporter;
  /** Sends what is left and how the run ended, in ten seconds at most; call it however the training ended. */
  finish(status: Exclude<RunStatus, "RUNNING">): Promise<void>;
}

const metricsOf = (row: EpochRow, timestamp: number): Metric[] =>
  epochValues(row)
    .filter(([key]) => key !== "epoch") // which is the step
    .map(([key, value]) => ({ key, value, timestamp, step: row.epoch }));

function experimentOf(settings: Readonly<Record<string, unknown>>): string {
  const { kind, model_s, model } = settings;
  if (kind !== "distill") return `${model} alone`;
  const teacher = teacherNameOf(settings);
  return teacher === undefined ? `${model_s}` : `${teacher}-${model_s}`;
}

function runOf(runDir: string): TrackedRun {
  const found = readConfig(runDir);
  const config = found.state === "whole" ? found.content : {};
  const { checksum: _, ...settings } = config as Readonly<Record<string, unknown>>;
  return { experiment: experimentOf(settings), name: basename(runDir), settings };
}

/** The run of a tracker that a folder names; undefined where it names none, or one of another tracker. */
function knownRun(runDir: string, { stateFile, address }: TrackingPlace): Tracked | undefined {
  const found = readTracked(runDir, stateFile);
  return found.state === "whole" && found.content.server === address ? found.content : undefined;
}

class Session {
  /** The tracker has this process's beginning of the run. */
  private begun = false;

  /** @param anew whether the run is another one than its folder may name */
  constructor(
    private readonly runDir: string,
    private readonly place: TrackingPlace,
    private anew: boolean,
    private readonly signal: AbortSignal,
    private readonly notice: (text: string) => void,
  ) {}

  private async keep(tracked: Tracked): Promise<Tracked> {
    await writeTracked(this.runDir, this.place.stateFile, tracked);
    return tracked;
  }

  /** The run at the tracker. A new one is kept before anything else is sent, so that a failure makes no second one. */
  private async tracked(): Promise<Tracked> {
    const known = this.anew ? undefined : knownRun(this.runDir, this.place);
    if (known !== undefined) return known;
    const runId = await this.place.createRun(runOf(this.runDir), this.signal);
    const tracked = { server: this.place.address, runId, epoch: 0, begun: false };
    await this.keep(tracked);
    this.anew = false;
    return tracked;
  }

  /** Sends what the tracker does not have yet: the settings, and the epochs of the run's log. */
  async send(status: RunStatus): Promise<void> {
    const { place, runDir, signal } = this;
    try {
      let tracked = await this.tracked();
      const { runId } = tracked;
      if (!this.begun) {
        const url = await place.begin(runId, runOf(runDir), !tracked.begun, signal);
        if (!tracked.begun) tracked = await this.keep({ ...tracked, begun: true });
        if (url !== undefined) this.notice(`Tracked at ${url}`);
        this.begun = true;
      }
      const now = Date.now();
      const rows = readEpochLog(runDir).filter(({ epoch }) => epoch > tracked.epoch);
      if (rows.length > 0) {
        const metrics = rows.flatMap((row) => metricsOf(row, now));
        await place.logMetrics(runId, metrics, signal);
        await this.keep({ ...tracked, epoch: (rows.at(-1) as EpochRow).epoch });
      }
      if (status !== "RUNNING") await place.end(runId, status, now, signal);
    } catch (error) {
      this.begun = false; // a client that had to be started again knows nothing of the run
      throw error;
    }
  }
}

/**
 * Sends every epoch of a run to a tracker, one request at a time; what came meanwhile goes with the next. A failure
 * costs a warning only: what was not sent goes with a later epoch. `lastMs` limits the time after the end.
 */
export function createTracker(reporter: RunReporter, place: TrackingPlace, lastMs = LAST_MS): Tracker {
  const stop = new AbortController();
  let session: Session | undefined;
  let warned = false;
  let wanted: RunStatus | undefined;
  let sending: Promise<void> | undefined;

  const sendWanted = async () => {
    while (session !== undefined && wanted !== undefined) {
      const status = wanted;
      wanted = undefined;
      try {
        await session.send(status);
        warned = false;
      } catch (error) {
        if (!warned) reporter.warn(`Tracking failed: ${(error as Error).message}`);
        warned = true;
      }
    }
    sending = undefined;
  };
  const send = (status: RunStatus): Promise<void> => {
    wanted = status;
    sending ??= sendWanted();
    return sending;
  };
  return {
    reporter: {
      ...reporter,
      runStarted(started) {
        reporter.runStarted(started);
        session = new Session(started.runDir, place, isAnew(started), stop.signal, reporter.notice);
        send("RUNNING");
      },
      epochDone(row, best) {
        reporter.epochDone(row, best);
        send("RUNNING");
      },
    },
    async finish(status) {
      const late = `${place.address} did not accept everything within ${lastMs / 1000} s after the run.`;
      const timer = setTimeout(() => stop.abort(new Error(late)), lastMs);
      await send(status);
      await place.close?.(stop.signal);
      clearTimeout(timer);
    },
  };
}

const isAnew = ({ firstEpoch, stepsDone = 0 }: RunInfo): boolean => firstEpoch === 1 && stepsDone === 0;
