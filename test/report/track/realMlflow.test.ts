import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mlflowFiles } from "#pefd/report/track/clients.js";
import { mlflowServer } from "#pefd/report/track/mlflowServer.js";
import { readTracked } from "#pefd/runFiles/stateFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";
import { trackOnce } from "./tracking.js";

const python = process.env.PEFD_MLFLOW ?? "python3";
const has = spawnSync(python, ["-c", "import mlflow.server"]).status === 0;
const skip = has ? false : "no MLflow here (PEFD_MLFLOW names a Python that has it)";

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}

/** Starts a tracking server of MLflow in a folder, and waits until it answers. */
async function startMlflow(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  const port = await freePort();
  const words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", String(port)];
  const store = ["--backend-store-uri", "sqlite:///runs.db", "--workers", "1"];
  const child = spawn(python, [...words, ...store], { cwd, stdio: "ignore", detached: true });
  t.after(async () => {
    const ended = once(child, "close");
    process.kill(-(child.pid as number), "SIGKILL");
    await ended;
  });
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    // Connections are not kept: the server may close them before the next call.
    const headers = { Connection: "close" };
    const answer = await fetch(`${address}/health`, { headers }).catch(() => undefined);
    if (answer?.ok) return address;
    assert.equal(child.exitCode, null, "MLflow has ended");
    await sleep(300);
  }
}

it("a tracking server of MLflow has a run's settings, epochs and end", { skip }, async (t) => {
  const address = await startMlflow(t);
  const runDir = await writeRun(temporaryFolder(t), "ours_1", { epochs: 4, terms: ["ce"] });
  const server = mlflowServer(new URL(address), {});
  assert.deepEqual(await trackOnce(runDir, server, 1, "FINISHED"), []);
  const kept = readTracked(runDir, "mlflow.json");
  assert.ok(kept.state === "whole");
  const api = async (path: string) => {
    const answer = await fetch(`${address}/api/2.0/mlflow/${path}&run_id=${kept.content.runId}`);
    return (await answer.json()) as Record<string, never>;
  };
  const { run } = (await api("runs/get?")) as unknown as {
    run: {
      info: { status: string; run_name: string };
      data: { params: { key: string; value: string }[] };
    };
  };
  assert.deepEqual([run.info.status, run.info.run_name], ["FINISHED", "ours_1"]);
  const params = new Map(run.data.params.map(({ key, value }) => [key, value]));
  assert.deepEqual([params.get("distill"), params.get("lr_decay_epochs")], ["ours", "150,180,210"]);
  for (const [key, value] of [
    ["test_top1", curveRow(3, 4, 1).test.top1],
    ["train_ce", curveRow(3, 4, 1).train.loss / 2],
  ] as const) {
    const { metrics } = (await api(`metrics/get-history?metric_key=${key}`)) as unknown as {
      metrics: { step: number; value: number }[];
    };
    assert.deepEqual(metrics.map(({ step }) => step).sort(), [1, 2, 3, 4]);
    const third = metrics.find(({ step }) => step === 3)?.value ?? Number.NaN;
    assert.ok(Math.abs(third - value) < 1e-9, key);
  }
});

const READ = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name("resnet32x4-resnet8x4")
run = client.get_run(sys.argv[2])
history = client.get_metric_history(sys.argv[2], "test_top1")
print(json.dumps({
  "runs": [run.info.run_id for run in client.search_runs([experiment.experiment_id])],
  "status": run.info.status, "name": run.info.run_name, "params": run.data.params,
  "last": run.data.metrics, "history": [[m.step, m.value] for m in history],
}))
`;

it("MLflow's client writes its files, and goes on with a run after a stop", { skip }, async (t) => {
  const dir = temporaryFolder(t);
  const store = join(dir, "a store");
  const runDir = await writeRun(dir, "ours: 1", { epochs: 4, done: 3, terms: ["ce"] });
  const env = { ...process.env, PEFD_PYTHON: python };
  assert.deepEqual(await trackOnce(runDir, mlflowFiles(store, env), 1, "KILLED"), []);
  const kept = readTracked(runDir, "mlflow.json");
  assert.ok(kept.state === "whole");
  const { runId } = kept.content;
  const reading = { ...env, MLFLOW_ALLOW_FILE_STORE: "true", MLFLOW_DISABLE_TELEMETRY: "true" };
  const read = () =>
    JSON.parse(
      execFileSync(python, ["-c", READ, `file:${store}`, runId], {
        env: reading,
        encoding: "utf8",
      }),
    );
  const killed = read();
  assert.deepEqual([killed.runs, killed.status, killed.name], [[runId], "KILLED", "ours: 1"]);
  assert.deepEqual([killed.params.distill, killed.params.lr_decay_epochs], ["ours", "150,180,210"]);
  await writeRun(dir, "ours: 1", { epochs: 4, terms: ["ce"] });
  assert.deepEqual(await trackOnce(runDir, mlflowFiles(store, env), 4, "FINISHED"), []);
  const done = read();
  assert.deepEqual([done.runs, done.status], [[runId], "FINISHED"]);
  assert.deepEqual(
    done.history,
    [1, 2, 3, 4].map((epoch) => [epoch, curveRow(epoch, 4, 1).test.top1]),
  );
  assert.equal(done.last.train_ce, curveRow(4, 4, 1).train.loss / 2);
});
