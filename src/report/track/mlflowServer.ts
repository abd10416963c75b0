import { runError } from "../../common/errors.js";
import { cleanLine } from "../../common/text.js";
import { flatten } from "../runs/runRecord.js";
import type { Environment, TrackingPlace } from "./tracker.js";

/** Milliseconds after which a server counts as one that does not answer; training goes on meanwhile. */
const TIMEOUT = 60_000;

/** Bytes of an answer; MLflow's have a few hundred. */
const MOST_BYTES = 64 * 1024;

const MOST_SHOWN = 200;

/** Batch limit of the API. */
const MOST = { metrics: 1000, params: 100 };

/** Longer values are refused by older servers; a configuration has none but lists that nobody reads. */
const LENGTH = { key: 250, value: 500 };

const TAGS = [{ key: "mlflow.source.name", value: "pefd" }] as const;

/** A configuration as MLflow's parameters, with dots between its levels. */
export const mlflowParams = (settings: Readonly<Record<string, unknown>>) =>
  flatten(settings).map(([key, value]) => ({
    key: key.replace(/[^\w. /-]/g, "_").slice(0, LENGTH.key),
    value: value.slice(0, LENGTH.value),
  }));

/** A tracker's message as one short line. */
export const shownText = (text: string): string => cleanLine(text).slice(0, MOST_SHOWN);

/** A token or a name with its password: in the address, or where MLflow's own clients look for them. */
function authorization({ username, password }: URL, env: Environment): Record<string, string> {
  const token = env.MLFLOW_TRACKING_TOKEN;
  if (token) return { Authorization: `Bearer ${token}` };
  const name = decodeURIComponent(username) || env.MLFLOW_TRACKING_USERNAME;
  if (!name) return {};
  const secret = decodeURIComponent(password) || (env.MLFLOW_TRACKING_PASSWORD ?? "");
  return { Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}` };
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  /** Parsed JSON; undefined if invalid. */
  readonly body: unknown;
}

async function textOf({ body }: Response, address: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw runError(`${address} answered with more than 64 kB.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes of certificates that nobody known has signed. */
const CERTIFICATE = /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER|VERIFY)/;
const TRUST = "; NODE_EXTRA_CA_CERTS=FILE makes Node.js trust the certificate in a file";

function reasonOf(error: unknown): string {
  const { name, cause, message } = error as Error;
  if (name === "TimeoutError") return `no answer within ${TIMEOUT / 1000} s`;
  if (!(cause instanceof Error)) return shownText(message);
  const { code = "", reason } = cause as Error & { code?: string; reason?: string };
  // OpenSSL's own message names functions and lines of its source.
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return shownText(`it does not speak HTTPS as Node.js does (${reason ?? code})`);
  }
  return `${shownText(cause.message || cause.name)}${CERTIFICATE.test(code) ? TRUST : ""}`;
}

async function exchange(address: string, path: string, init: RequestInit): Promise<Answer> {
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT), init.signal as AbortSignal]);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${address}/api/2.0/mlflow/${path}`, { ...init, signal });
    text = await textOf(response, address);
  } catch (error) {
    if ((error as Error).name === "PefdError") throw error;
    throw runError(`${address} does not answer: ${reasonOf(error).replace(/\.$/, "")}.`);
  }
  return { ok: response.ok, status: response.status, body: jsonIn(text) };
}

const at = (body: unknown, keys: readonly string[]): unknown =>
  keys.reduce((value, key) => (value as Record<string, unknown> | undefined | null)?.[key], body);

function refused(address: string, { status, body }: Answer) {
  const message = at(body, ["message"]);
  const why = typeof message === "string" ? shownText(message) : `status ${status}`;
  return runError(`${address} refuses: ${why.replace(/\.$/, "")}.`);
}

function idIn(address: string, { body }: Answer, ...keys: string[]): string {
  const id = at(body, keys);
  if (typeof id === "string" && /^[\w-]{1,100}$/.test(id)) return id;
  throw runError(`${address} does not answer as MLflow does: it gives no ${keys.join(".")}.`);
}

/** JSON has no NaN; the API takes these words for them. */
export const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

/** An MLflow server by its REST API; `env` may have MLFLOW_TRACKING_TOKEN, _USERNAME, _PASSWORD. Throws runError. */
export function mlflowServer(url: URL, env: Environment): TrackingPlace {
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  const headers = {
    "Content-Type": "application/json",
    // Epochs are far apart: a connection that waited for the next one may have been closed by then.
    Connection: "close",
    ...authorization(url, env),
  };
  const ask = (path: string, signal: AbortSignal) => exchange(address, path, { headers, signal });
  const post = (path: string, body: object, signal: AbortSignal) =>
    exchange(address, path, { method: "POST", headers, body: JSON.stringify(body), signal });
  const mustPost = async (path: string, body: object, signal: AbortSignal) => {
    const answer = await post(path, body, signal);
    if (!answer.ok) throw refused(address, answer);
    return answer;
  };
  const experimentId = async (name: string, signal: AbortSignal): Promise<string> => {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = await ask(query, signal);
    if (found.ok) return idIn(address, found, "experiment", "experiment_id");
    if (found.status !== 404) throw refused(address, found);
    const made = await post("experiments/create", { name }, signal);
    if (made.ok) return idIn(address, made, "experiment_id");
    // Another run of the same sweep may have made it in between.
    const again = await ask(query, signal);
    if (!again.ok) throw refused(address, made);
    return idIn(address, again, "experiment", "experiment_id");
  };
  return {
    address,
    stateFile: "mlflow.json",
    async createRun({ experiment, name }, signal) {
      const body = {
        experiment_id: await experimentId(experiment, signal),
        run_name: name,
        start_time: Date.now(),
        tags: TAGS,
      };
      return idIn(address, await mustPost("runs/create", body, signal), "run", "info", "run_id");
    },
    async begin(runId, { settings }, isNew, signal) {
      if (!isNew) await mustPost("runs/update", { run_id: runId, status: "RUNNING" }, signal);
      for (const params of isNew ? chunks(mlflowParams(settings), MOST.params) : []) {
        await mustPost("runs/log-batch", { run_id: runId, params }, signal);
      }
      return undefined;
    },
    async logMetrics(runId, metrics, signal) {
      for (const part of chunks(metrics, MOST.metrics)) {
        const values = part.map((metric) => ({ ...metric, value: jsonNumber(metric.value) }));
        await mustPost("runs/log-batch", { run_id: runId, metrics: values }, signal);
      }
    },
    async end(runId, status, time, signal) {
      await mustPost("runs/update", { run_id: runId, status, end_time: time }, signal);
    },
  };
}
