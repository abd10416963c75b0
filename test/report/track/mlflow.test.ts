import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createPlainServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { silentReporter } from "#pefd/report/live/reporter.js";
import type { RunReporter } from "#pefd/report/log/contract.js";
import { mlflowServer } from "#pefd/report/track/mlflowServer.js";
import { createTracker } from "#pefd/report/track/tracker.js";
import { readTracked } from "#pefd/runFiles/stateFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";
import { epochsSent, fakeMlflow } from "./fakeMlflow.js";
import { best, infoOf } from "./tracking.js";

describe("tracking with MLflow", () => {
  it("sends the configuration once, each epoch once, and how the run ended", async (t) => {
    const { asked, address } = await fakeMlflow(t);
    const dir = temporaryFolder(t);
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 1, terms: ["ce"] });
    const url = new URL(address.replace("http://", "http://me:secret@"));
    const { reporter, finish } = createTracker(silentReporter, mlflowServer(url, {}));
    reporter.runStarted(infoOf(runDir, 1));
    await writeRun(dir, "run", { epochs: 3, terms: ["ce"] });
    for (const epoch of [2, 3]) reporter.epochDone(curveRow(epoch, 3, 1), best);
    await finish("FINISHED");
    assert.deepEqual([...epochsSent(asked)].sort(), [1, 2, 3]);
    const created = asked.filter(({ path }) => path === "runs/create");
    assert.deepEqual(
      created.map(({ body }) => [body.experiment_id, body.run_name]),
      [["7", "run"]],
    );
    const params = asked.flatMap(({ body }) => (body.params as object[] | undefined) ?? []);
    assert.ok(params.some((param) => JSON.stringify(param) === '{"key":"distill","value":"ours"}'));
    const metrics = asked.flatMap(({ body }) => (body.metrics as { key: string }[]) ?? []);
    assert.ok(
      metrics.some(({ key }) => key === "train_ce"),
      "terms of the loss",
    );
    assert.equal(asked.at(-1)?.body.status, "FINISHED");
    assert.equal(asked[0]?.authorization, `Basic ${Buffer.from("me:secret").toString("base64")}`);
    const kept = readTracked(runDir, "mlflow.json");
    assert.ok(kept.state === "whole");
    assert.deepEqual([kept.content.server, kept.content.epoch], [address, 3]);
    assert.doesNotMatch(JSON.stringify(kept), /secret/);
  });

  it("goes on with the same run after a resume, and begins another for a run that begins anew", async (t) => {
    const { asked, state, address } = await fakeMlflow(t);
    const dir = temporaryFolder(t);
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 2 });
    const server = mlflowServer(new URL(address), {});
    const first = createTracker(silentReporter, server);
    first.reporter.runStarted(infoOf(runDir, 1));
    await first.finish("KILLED");
    await writeRun(dir, "run", { epochs: 3 });
    const second = createTracker(silentReporter, server);
    second.reporter.runStarted(infoOf(runDir, 3));
    await second.finish("FINISHED");
    assert.equal(state.runs, 1);
    assert.deepEqual(epochsSent(asked), [1, 2, 3]);
    const statuses = asked.flatMap(({ body }) => (body.status as string | undefined) ?? []);
    assert.deepEqual(statuses, ["KILLED", "RUNNING", "FINISHED"]);
    const third = createTracker(silentReporter, server);
    third.reporter.runStarted(infoOf(runDir, 1));
    await third.finish("FINISHED");
    assert.equal(state.runs, 2);
  });

  it("warns once of a server that is away, and sends later what it missed", async (t) => {
    const { asked, state, address } = await fakeMlflow(t);
    const dir = temporaryFolder(t);
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 2 });
    const warnings: string[] = [];
    const told: RunReporter = { ...silentReporter, warn: (text) => warnings.push(text) };
    const { reporter, finish } = createTracker(told, mlflowServer(new URL(address), {}));
    state.away = true;
    reporter.runStarted(infoOf(runDir, 1));
    reporter.epochDone(curveRow(1, 3, 1), best);
    reporter.epochDone(curveRow(2, 3, 1), best);
    await new Promise((done) => setTimeout(done, 300));
    state.away = false;
    await finish("FINISHED");
    assert.equal(warnings.length, 1, warnings.join());
    assert.match(warnings[0] ?? "", /Tracking failed: .*closed for today/);
    assert.deepEqual(epochsSent(asked), [1, 2]);
  });

  it("does not speak to a server by a connection that it may have closed meanwhile", async (t) => {
    const { asked, state, address } = await fakeMlflow(t);
    state.once = true;
    const runDir = await writeRun(temporaryFolder(t), "run", { epochs: 3 });
    const { reporter, finish } = createTracker(silentReporter, mlflowServer(new URL(address), {}));
    reporter.runStarted(infoOf(runDir, 1));
    await finish("FINISHED");
    assert.deepEqual(epochsSent(asked), [1, 2, 3]);
  });

  /** Tracks a run of three epochs with a server, and gives what was warned of. */
  async function warningsOf(t: TestContext, address: string, sends = 1): Promise<string[]> {
    const warnings: string[] = [];
    const told: RunReporter = { ...silentReporter, warn: (text) => warnings.push(text) };
    const runDir = await writeRun(temporaryFolder(t), "run", { epochs: 3 });
    const { reporter, finish } = createTracker(told, mlflowServer(new URL(address), {}), 300);
    reporter.runStarted(infoOf(runDir, 1));
    for (let at = 1; at < sends; at++) {
      await new Promise((done) => setTimeout(done, 50));
      reporter.epochDone(curveRow(1, 3, 1), best);
    }
    await finish("FINISHED");
    return warnings;
  }

  it("asks a server that never answers once, however many epochs pass", {
    timeout: 30_000,
  }, async (t) => {
    const { asked, state, address } = await fakeMlflow(t);
    state.silent = true;
    const warnings = await warningsOf(t, address, 8);
    assert.equal(asked.length, 1);
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(warnings[0] ?? "", /Tracking failed: .* does not answer/);
  });

  it("sends the epochs that came while it sent together", async (t) => {
    const { asked, instead, address } = await fakeMlflow(t);
    const runDir = await writeRun(temporaryFolder(t), "run", { epochs: 9, done: 1 });
    const { reporter, finish } = createTracker(silentReporter, mlflowServer(new URL(address), {}));
    const answered = new Promise<void>((done) => {
      instead["runs/create"] = () => void done();
    });
    reporter.runStarted(infoOf(runDir, 1));
    await answered;
    await writeRun(join(runDir, ".."), "run", { epochs: 9 });
    for (const epoch of [2, 3, 4, 5, 6, 7, 8, 9]) reporter.epochDone(curveRow(epoch, 9, 1), best);
    await finish("FINISHED");
    assert.deepEqual(epochsSent(asked), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const batches = asked.filter(({ body }) => Array.isArray(body.metrics));
    assert.ok(batches.length <= 2, `${batches.length} requests`);
    assert.equal(asked.filter(({ path }) => path === "runs/update").length, 1);
  });

  it("makes one run at a server that refuses parameters, and sends them again to that one", async (t) => {
    const { asked, state, instead, address } = await fakeMlflow(t);
    let refusals = 3;
    instead["runs/log-batch"] = ({ params }) =>
      params === undefined || refusals-- <= 0 ? undefined : [400, '{"message":"too long"}'];
    const warnings = await warningsOf(t, address, 5);
    assert.deepEqual(warnings.length, 1, warnings.join("\n"));
    assert.equal(state.runs, 1);
    assert.deepEqual([...new Set(epochsSent(asked))], [1, 2, 3]);
  });

  it("says in words what TLS refuses, and how a certificate is trusted", async (t) => {
    const server = createPlainServer((socket) => socket.on("error", () => {}).end("220 hello\r\n"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const [other] = await warningsOf(t, `https://127.0.0.1:${port}`);
    assert.match(other ?? "", /it does not speak HTTPS as Node\.js does \([\w ]+\)\.$/);
    t.mock.method(globalThis, "fetch", async () => {
      const code = "DEPTH_ZERO_SELF_SIGNED_CERT";
      const cause = Object.assign(new Error("self-signed certificate"), { code });
      throw new TypeError("fetch failed", { cause });
    });
    const [unknown] = await warningsOf(t, "https://localhost:1");
    assert.match(unknown ?? "", /self-signed certificate; NODE_EXTRA_CA_CERTS=FILE makes/);
  });

  for (const answer of ["{}", "null", "[]", "7", "not JSON", '{"run":{"info":{"run_id":{}}}}']) {
    it(`has a sentence for the answer ${answer}`, async (t) => {
      for (const path of ["experiments/get-by-name", "experiments/create", "runs/create"]) {
        const { instead, address } = await fakeMlflow(t);
        instead[path] = () => [200, answer];
        const warnings = await warningsOf(t, address);
        assert.equal(warnings.length, 1, path);
        assert.match(warnings[0] ?? "", /does not answer as MLflow does/, path);
      }
    });
  }

  it("shows of a refusal one line of printable text, and not all of a long one", async (t) => {
    const { instead, address } = await fakeMlflow(t);
    const message = `no\n\u001b[2Jerror: all is lost ${"x".repeat(10_000)}`;
    instead["runs/create"] = () => [400, JSON.stringify({ message })];
    const [warning = ""] = await warningsOf(t, address);
    assert.match(warning, /refuses: no\\n\\x1b\[2Jerror/);
    assert.ok(warning.length < 500, `${warning.length} characters`);
  });

  it("reads no more of an endless answer than any answer has", { timeout: 30_000 }, async (t) => {
    let sent = 0;
    const server = createServer((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && sent < 2 ** 28) {
          sent += 2 ** 16;
          if (!response.write(Buffer.alloc(2 ** 16, " "))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo;
    const warnings = await warningsOf(t, `http://127.0.0.1:${port}`);
    assert.match(warnings.join(), /answered with more than 64 kB/);
    assert.ok(sent < 2 ** 25, `${sent} bytes`);
  });

  it("says what is wrong where nobody listens", async () => {
    const server = mlflowServer(new URL("http://127.0.0.1:9"), {});
    const { signal } = new AbortController();
    await assert.rejects(server.end("x", "FINISHED", 0, signal), /127\.0\.0\.1:9 does not answer: /);
  });
});
