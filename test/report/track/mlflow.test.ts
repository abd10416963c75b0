import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentReporter } from "#pefd/report/live/reporter.js";
import type { RunReporter } from "#pefd/report/log/contract.js";
import { mlflowServer } from "#pefd/report/track/mlflow/server.js";
import { createTracker } from "#pefd/report/track/tracker.js";
import { readTracked } from "#pefd/runFiles/tracked.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";
import { epochsSent, fakeMlflow } from "./fakeMlflow.js";

const infoOf = (runDir: string, firstEpoch: number) => ({
  ...{ title: "", runDir, epochs: 3, firstEpoch, steps: 1 },
  ...{ engine: "eager", precision: "float32", device: "cpu" },
});

const best = { top1: 0, epoch: 1 };

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
    assert.deepEqual(statuses, ["RUNNING", "KILLED", "RUNNING", "FINISHED"]);
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
    assert.match(warnings[0] ?? "", /Not tracked for now: .*closed for today/);
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

  it("says what is wrong where nobody listens", async () => {
    const server = mlflowServer(new URL("http://127.0.0.1:9"), {});
    await assert.rejects(server.setStatus("x", "FINISHED", 0), /127\.0\.0\.1:9 does not answer: /);
  });
});
