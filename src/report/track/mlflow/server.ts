import { runError } from "../../../common/errors.js";
import type { TrackingPlace } from "../place.js";
import { MLFLOW_TAGS, mlflowParams } from "./params.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Milliseconds after which a server counts as one that does not answer. */
const PATIENCE = 10_000;

/** What the API takes at once. */
const MOST = { metrics: 1000, params: 100 };

/** A token or a name with its password: in the address, or where MLflow's own clients look for them. */
function authorization({ username, password }: URL, env: Environment): Record<string, string> {
  const token = env.MLFLOW_TRACKING_TOKEN;
  if (token) return { Authorization: `Bearer ${token}` };
  const name = decodeURIComponent(username) || env.MLFLOW_TRACKING_USERNAME;
  if (!name) return {};
  const secret = decodeURIComponent(password) || (env.MLFLOW_TRACKING_PASSWORD ?? "");
  return { Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}` };
}

/** What the server said, or a sentence on why it did not. */
async function exchange(address: string, path: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    response = await fetch(`${address}/api/2.0/mlflow/${path}`, { ...init, signal });
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw runError(`${address} does not answer: ${reason}.`);
  }
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  return { ok: response.ok, status: response.status, body };
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const refused = (address: string, { status, body }: Answer) =>
  runError(`${address} refuses: ${body.message ?? `status ${status}`}.`);

/** JSON has no NaN; the API takes these words for them. */
const jsonNumber = (value: number): number | string =>
  Number.isFinite(value) ? value : String(value);

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );

/**
 * A tracking server of MLflow at an http or https address, by its REST API (mlflow.org/docs/latest/rest-api.html). Every call throws a runError that says what is wrong with the server.
 * @param env where MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are looked for
 */
export function mlflowServer(url: URL, env: Environment): TrackingPlace {
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  // Epochs are far apart: a connection that waited for the next one may have been closed by then.
  const headers = {
    "Content-Type": "application/json",
    Connection: "close",
    ...authorization(url, env),
  };
  const ask = (path: string) => exchange(address, path, { headers });
  const post = (path: string, body: object) =>
    exchange(address, path, { method: "POST", headers, body: JSON.stringify(body) });
  const mustPost = async (path: string, body: object) => {
    const answer = await post(path, body);
    if (!answer.ok) throw refused(address, answer);
    return answer.body;
  };
  const experimentId = async (name: string): Promise<string> => {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = await ask(query);
    if (found.ok) return (found.body.experiment as { experiment_id: string }).experiment_id;
    if (found.status !== 404) throw refused(address, found);
    const made = await post("experiments/create", { name });
    if (made.ok) return String(made.body.experiment_id);
    // Another run of the same sweep may have made it in between.
    const again = await ask(query);
    if (!again.ok) throw refused(address, made);
    return (again.body.experiment as { experiment_id: string }).experiment_id;
  };
  return {
    address,
    stateFile: "mlflow.json",
    async createRun({ experiment, name, settings }) {
      const body = {
        experiment_id: await experimentId(experiment),
        ...{ run_name: name, start_time: Date.now() },
        tags: MLFLOW_TAGS,
      };
      const made = await mustPost("runs/create", body);
      const runId = (made.run as { info: { run_id: string } }).info.run_id;
      for (const part of chunks(mlflowParams(settings), MOST.params)) {
        await mustPost("runs/log-batch", { run_id: runId, params: part });
      }
      return runId;
    },
    async logMetrics(runId, metrics) {
      for (const part of chunks(metrics, MOST.metrics)) {
        const values = part.map((metric) => ({ ...metric, value: jsonNumber(metric.value) }));
        await mustPost("runs/log-batch", { run_id: runId, metrics: values });
      }
    },
    async setStatus(runId, status, time) {
      const ended = status === "RUNNING" ? {} : { end_time: time };
      await mustPost("runs/update", { run_id: runId, status, ...ended });
    },
  };
}
