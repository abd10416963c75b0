import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environmentError, runError } from "../../common/errors.js";
import { pipHint, pythonOf } from "../../common/python.js";
import { jsonNumber, mlflowParams, shownText } from "./mlflowServer.js";
import type { Environment, TrackedRun, TrackingPlace } from "./tracker.js";

const BRIDGE = fileURLToPath(new URL("../../../src/report/track/bridge.py", import.meta.url));

/** Milliseconds after which a client counts as one that hangs; training goes on meanwhile. */
const TIMEOUT = 60_000;

/** Characters of what a client prints, of which the last line says why it ended. */
const KEPT = 4000;

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
  /** The module that Python does not have. */
  readonly missing?: string | null;
}

interface Client {
  readonly package: string;
  readonly title: string;
  /** The bridge's name for it, and that of --track. */
  readonly kind: string;
  /** Folder or project. */
  readonly place: string;
  readonly stateFile: TrackingPlace["stateFile"];
  settings(run: TrackedRun): unknown;
}

function answerIn(line: string): Answer {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    return { error: `"${line}" is no answer` };
  }
}

class Bridge {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: ((answer: Answer) => void)[] = [];
  private printed = "";
  /** Why it runs no more. */
  ended: string | undefined;

  constructor(python: string, words: readonly string[], env: Environment) {
    // A process group of its own: a terminal's Ctrl-C is for pefd, which then ends the run in order.
    const options = { env: { ...env }, detached: true };
    this.child = spawn(python, [BRIDGE, ...words], options);
    const { stdin, stdout, stderr } = this.child;
    stdin.on("error", () => undefined); // "close" says so
    createInterface({ input: stdout }).on("line", (line) => this.waiting.shift()?.(answerIn(line)));
    stderr.setEncoding("utf8").on("data", (part: string) => {
      this.printed = (this.printed + part).slice(-KEPT);
    });
    const end = (why: string) => {
      this.ended ??= why;
      for (const told of this.waiting.splice(0)) told({ error: this.ended });
    };
    this.child.on("error", (error) => end(`${python} cannot be started: ${error.message}`));
    this.child.on("close", (code, name) => {
      const last = this.printed.trim().split("\n").at(-1);
      end(`its process exited (${last || name || `exit code ${code}`})`);
    });
  }

  /** The next answer, or why none came; the process is then ended as well. */
  async answer(signal: AbortSignal): Promise<Answer> {
    if (this.ended !== undefined) return { error: this.ended };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
    if (limit.aborted) return { error: limit.reason.message };
    const answered = new Promise<Answer>((told) => this.waiting.push(told));
    const late = once(limit, "abort").then((): Answer => {
      this.kill();
      return { error: signal.aborted ? signal.reason.message : `no answer within ${TIMEOUT / 1000} s` };
    });
    return Promise.race([answered, late]);
  }

  call(name: string, words: object, signal: AbortSignal): Promise<Answer> {
    const answer = this.answer(signal);
    this.child.stdin.write(`${JSON.stringify({ call: name, ...words })}\n`);
    return answer;
  }

  /** Lets it end, and returns once it has; at once when the signal is aborted. */
  async close(signal: AbortSignal): Promise<void> {
    this.child.stdin.end();
    while (this.ended === undefined && !signal.aborted) {
      await Promise.race([once(this.child, "close"), once(signal, "abort")]);
    }
    this.kill();
  }

  /** Ends it at once, with what it has started. */
  kill(): void {
    this.ended ??= "it was stopped";
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, "SIGKILL");
    } catch {
      // it has ended already
    }
  }
}

/**
 * A tracker by its Python client, in a process beside training: one that hangs, crashes or is slow costs training
 * nothing and is started again with the next epoch. PEFD_PYTHON names the Python.
 */
function clientPlace(client: Client, env: Environment): TrackingPlace {
  const python = pythonOf(env);
  let bridge: Bridge | undefined;
  const start = async (signal: AbortSignal): Promise<Answer> => {
    bridge = new Bridge(python, [client.kind, client.place], env);
    const ready = await bridge.answer(signal);
    if (ready.error !== undefined) bridge.kill();
    return ready;
  };
  const failure = ({ error = "" }: Answer) => {
    const why = shownText(error).replace(/\.$/, "");
    return `${client.title}'s Python client: ${why}.`;
  };
  const call = async (name: string, words: object, signal: AbortSignal): Promise<unknown> => {
    const ready = bridge === undefined || bridge.ended !== undefined ? await start(signal) : {};
    if (ready.error !== undefined) throw runError(failure(ready));
    const answer = await (bridge as Bridge).call(name, words, signal);
    if (answer.error !== undefined) throw runError(failure(answer));
    return answer.result;
  };
  return {
    address: `${client.kind}:${client.place}`,
    stateFile: client.stateFile,
    async prepare() {
      const ready = await start(new AbortController().signal);
      if (ready.missing) {
        throw environmentError(
          `--track ${client.kind} needs ${client.title}'s Python client, and ${python} has no module ${shownText(ready.missing)}.`,
          pipHint(python, client.package),
        );
      }
      if (ready.error !== undefined) throw environmentError(failure(ready));
    },
    createRun: ({ experiment, name }, signal) => call("create", { experiment, name }, signal) as Promise<string>,
    async begin(runId, run, isNew, signal) {
      const { experiment, name } = run;
      const settings = client.settings(run);
      const words = { run: runId, new: isNew, settings, experiment, name };
      return ((await call("begin", words, signal)) as string | null) ?? undefined;
    },
    async logMetrics(_runId, metrics, signal) {
      const values = metrics.map((metric) => ({ ...metric, value: jsonNumber(metric.value) }));
      await call("log", { metrics: values }, signal);
    },
    async end(_runId, status, _time, signal) {
      await call("end", { status }, signal);
    },
    close: async (signal) => bridge?.close(signal),
  };
}

const MLFLOW = {
  package: "mlflow",
  title: "MLflow",
  stateFile: "mlflow.json",
  settings: ({ settings }: TrackedRun) =>
    Object.fromEntries(mlflowParams(settings).map(({ key, value }) => [key, value])),
} as const;

const WANDB = {
  package: "wandb",
  title: "W&B",
  stateFile: "wandb.json",
  settings: ({ settings }: TrackedRun) => settings,
} as const;

/** MLflow's file store in a folder, which is made where it is missing. */
export const mlflowFiles = (dir: string, env: Environment): TrackingPlace =>
  clientPlace({ ...MLFLOW, kind: "mlflow", place: resolve(dir) }, env);

/** A project of W&B, or TEAM/PROJECT, by its server. */
export const wandbLive = (project: string, env: Environment): TrackingPlace =>
  clientPlace({ ...WANDB, kind: "wandb", place: project }, env);

/** Runs of W&B that `wandb sync` sends to its server later, in a folder which is made where it is missing. */
export const wandbOffline = (dir: string, env: Environment): TrackingPlace =>
  clientPlace({ ...WANDB, kind: "wandb-offline", place: resolve(dir) }, env);
