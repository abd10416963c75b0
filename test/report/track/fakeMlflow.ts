import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** A request that came. */
export interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) text += part;
  return text;
}

/** What MLflow answers to the calls that pefd makes, and all that was asked. */
export async function fakeMlflow(t: TestContext) {
  const asked: Asked[] = [];
  /** `once`: a connection that is used a second time is closed instead, as by a server that no longer waits for it. */
  const state = { away: false, once: false, experiment: false, runs: 0, silent: false };
  /** Answers that are given instead, by the call: a status and a body as it is sent. */
  const instead: Record<string, (body: Asked["body"]) => [number, string] | undefined> = {};
  const used = new WeakSet<object>();
  const answers: Readonly<Record<string, () => [number, object]>> = {
    "experiments/get-by-name": () =>
      state.experiment ? [200, { experiment: { experiment_id: "7" } }] : [404, { message: "none" }],
    "experiments/create": () => {
      state.experiment = true;
      return [200, { experiment_id: "7" }];
    },
    "runs/create": () => [200, { run: { info: { run_id: `run${++state.runs}` } } }],
    "runs/log-batch": () => [200, {}],
    "runs/update": () => [200, {}],
  };
  const server = createServer(async (request, response) => {
    if (state.once && used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    const text = await textOf(request);
    const path = (request.url ?? "").replace("/api/2.0/mlflow/", "").replace(/\?.*/, "");
    const sent = text === "" ? {} : JSON.parse(text);
    const [status, body] = state.away
      ? [503, { message: "closed for today" }]
      : (answers[path]?.() ?? [404, { message: `no ${path}` }]);
    const { authorization } = request.headers;
    if (!state.away) asked.push({ path, body: sent, authorization });
    if (state.silent) return;
    const [code, answer] = instead[path]?.(sent) ?? [status, JSON.stringify(body)];
    response.writeHead(code, { "Content-Type": "application/json" }).end(answer);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { asked, state, instead, address: `http://127.0.0.1:${port}` };
}

/** The epochs whose metrics came, in order. */
export const epochsSent = (asked: readonly Asked[]) =>
  asked.flatMap(({ path, body }) =>
    path === "runs/log-batch" && Array.isArray(body.metrics)
      ? [...new Set((body.metrics as { step: number }[]).map(({ step }) => step))]
      : [],
  );
