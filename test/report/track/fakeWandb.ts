import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";

/** What a server of W&B got of a run. */
export interface Received {
  /** The variables of the run's mutation. */
  readonly runs: Record<string, unknown>[];
  /** The lines of its history, as JSON with NaN in it. */
  readonly history: string[];
  readonly exitCodes: number[];
}

interface Stream {
  readonly exitcode?: number;
  readonly files?: Readonly<Record<string, { content: string[] }>>;
}

/** What is asked of a GraphQL server, by a word of the question; an empty answer to all else. */
function answerOf(query: string, variables: Record<string, unknown>): object {
  if (/viewer/i.test(query)) return { viewer: { id: "1", entity: "me", username: "me" } };
  if (/createRunFiles/.test(query)) {
    const files = (variables.files as string[]).map((name) => ({ name, uploadUrl: null }));
    return { createRunFiles: { runID: "1", uploadHeaders: [], files } };
  }
  if (!/upsertBucket/.test(query)) return {};
  const project = { id: "1", name: variables.project, entity: { id: "1", name: "me" } };
  const bucket = { id: "1", name: variables.name, displayName: variables.displayName, project };
  return { upsertBucket: { bucket: { ...bucket, config: "{}" }, inserted: true } };
}

/** As much of a server of W&B as `wandb sync` needs, and what came. */
export async function fakeWandb(t: TestContext) {
  const received: Received = { runs: [], history: [], exitCodes: [] };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const sent = Buffer.concat(parts);
    const text = String(request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent);
    let answer = {};
    if (request.url?.startsWith("/graphql")) {
      const { query, variables = {} } = JSON.parse(text);
      if (/upsertBucket/.test(query) && variables.config) received.runs.push(variables);
      answer = { data: answerOf(query, variables) };
    } else if (request.url?.endsWith("/file_stream")) {
      const { files = {}, exitcode } = JSON.parse(text) as Stream;
      received.history.push(...(files["wandb-history.jsonl"]?.content ?? []));
      if (exitcode !== undefined) received.exitCodes.push(exitcode);
    }
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  return { received, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
