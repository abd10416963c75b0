import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { silentReporter } from "#pefd/report/live/reporter.js";
import { mlflowFiles } from "#pefd/report/track/mlflow/files.js";
import { createTracker } from "#pefd/report/track/tracker.js";
import { trackRun } from "#pefd/report/track/trackRun.js";
import { readTracked, writeTracked } from "#pefd/runFiles/tracked.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";

const python = process.env.PEFD_MLFLOW ?? "python3";
const has = spawnSync(python, ["-c", "import mlflow"]).status === 0;
const skip = has ? false : "no MLflow here (PEFD_MLFLOW names a Python that has it)";

function keptOf(runDir: string) {
  const kept = readTracked(runDir, "mlflow.json");
  assert.ok(kept.state === "whole");
  return kept.content;
}

/** The only experiment of a store, and the folders of its runs. */
function contentOf(store: string) {
  const experiments = readdirSync(store);
  assert.equal(experiments.length, 1, experiments.join());
  const experiment = join(store, experiments[0] ?? "");
  const runs = readdirSync(experiment).filter((name) => name !== "meta.yaml");
  return { experiment, runs: runs.map((name) => join(experiment, name)) };
}

const text = (...parts: string[]) => readFileSync(join(...parts), "utf8");
const stepsOf = (run: string, key = "test_top1") => text(run, "metrics", key).match(/\d+$/gm);

describe("MLflow's files", () => {
  it("lie as MLflow lays them", async (t) => {
    const dir = temporaryFolder(t);
    const runDir = await writeRun(dir, "ours: 1", { epochs: 3, terms: ["ce"] });
    const place = mlflowFiles(join(dir, "ml"));
    await trackRun(runDir, place, "RUNNING", "anew");
    const { experiment, runs } = contentOf(join(dir, "ml"));
    const [run = ""] = runs;
    assert.match(text(experiment, "meta.yaml"), /^name: "resnet32x4-resnet8x4"$/m);
    assert.match(text(experiment, "meta.yaml"), /^artifact_location: "file:\/\/\/.*"$/m);
    assert.match(text(run, "meta.yaml"), /^status: 1$/m);
    assert.match(text(run, "meta.yaml"), /^run_name: "ours: 1"$/m);
    await trackRun(runDir, place, "FINISHED");
    assert.match(text(run, "meta.yaml"), /^end_time: \d{13}$/m);
    assert.match(text(run, "meta.yaml"), /^status: 3$/m);
    assert.equal(text(run, "params", "distill"), "ours");
    assert.equal(text(run, "tags", "mlflow.runName"), "ours: 1");
    const line = text(run, "metrics", "train_ce").split("\n")[1] ?? "";
    const [time, value, step] = line.split(" ").map(Number);
    assert.ok(Math.abs((time ?? 0) - Date.now()) < 600_000);
    assert.deepEqual([value, step], [curveRow(2, 3, 1).train.loss / 2, 2]);
    assert.deepEqual(stepsOf(run), ["1", "2", "3"]);
    const names = readdirSync(run).sort();
    assert.deepEqual(names, ["artifacts", "meta.yaml", "metrics", "params", "tags"]);
  });

  it("has a resumed run go on in its run, and one that begins anew in another of the same experiment", async (t) => {
    const dir = temporaryFolder(t);
    const place = mlflowFiles(join(dir, "ml"));
    const track = async (done: number, firstEpoch: number) => {
      const runDir = await writeRun(dir, "run", { epochs: 3, done });
      const { reporter, finish } = createTracker(silentReporter, place);
      const shape = { epochs: 3, firstEpoch, steps: 1, title: "", runDir };
      reporter.runStarted({ ...shape, engine: "eager", precision: "float32", device: "cpu" });
      await finish(done === 3 ? "FINISHED" : "KILLED");
      return keptOf(runDir).runId;
    };
    const first = await track(2, 1);
    const { experiment } = contentOf(join(dir, "ml"));
    assert.match(text(experiment, first, "meta.yaml"), /^status: 5$/m);
    assert.equal(await track(3, 3), first);
    assert.deepEqual(stepsOf(join(experiment, first)), ["1", "2", "3"]);
    assert.notEqual(await track(3, 1), first);
    assert.equal(contentOf(join(dir, "ml")).runs.length, 2);
  });

  it("neither doubles an epoch nor keeps a torn line or a temporary file after a kill", async (t) => {
    const dir = temporaryFolder(t);
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 2 });
    const place = mlflowFiles(join(dir, "ml"));
    await trackRun(runDir, place, "RUNNING", "anew");
    const [run = ""] = contentOf(join(dir, "ml")).runs;
    // Killed after the values of epoch 2 were written, before the run's folder knew.
    await writeTracked(runDir, "mlflow.json", { ...keptOf(runDir), epoch: 1 });
    appendFileSync(join(run, "metrics", "test_top1"), "17000");
    writeFileSync(join(run, ".test_top1.0123456789ab.pefd-tmp"), "1700");
    await writeRun(dir, "run", { epochs: 3 });
    await trackRun(runDir, place, "RUNNING", "again");
    assert.deepEqual(text(run, "metrics", "test_top1").match(/^\d+ [\d.]+ \d+$/gm)?.length, 3);
    assert.deepEqual(stepsOf(run), ["1", "2", "3"]);
    assert.deepEqual(
      readdirSync(run).filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("takes an experiment that MLflow has made, and refuses one that is deleted or a run that is gone", async (t) => {
    const dir = temporaryFolder(t);
    const store = join(dir, "ml");
    const runDir = await writeRun(dir, "run", { epochs: 2, done: 1 });
    mkdirSync(join(store, ".trash", "7"), { recursive: true });
    mkdirSync(join(store, "42"));
    const meta = "experiment_id: '42'\nlifecycle_stage: active\nname: 'resnet32x4-resnet8x4'\n";
    writeFileSync(join(store, "42", "meta.yaml"), meta);
    const place = mlflowFiles(store);
    await trackRun(runDir, place, "RUNNING", "anew");
    assert.ok(existsSync(join(store, "42", keptOf(runDir).runId, "meta.yaml")));
    rmSync(join(store, "42"), { recursive: true });
    await writeRun(dir, "run", { epochs: 2 });
    await assert.rejects(trackRun(runDir, place, "RUNNING"), /has no run \w+ any more/);
    writeFileSync(join(store, ".trash", "7", "meta.yaml"), meta);
    await assert.rejects(trackRun(runDir, place, "RUNNING", "anew"), /is deleted in .*restore it/);
  });
});

const CLIENT = `
import json, sys
import mlflow
client = mlflow.MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name("resnet32x4-resnet8x4")
found = client.search_runs([experiment.experiment_id], "metrics.test_top1 > 0")
run = client.get_run(sys.argv[2])
history = client.get_metric_history(sys.argv[2], "test_top1")
print(json.dumps({
  "runs": [run.info.run_id for run in found], "status": run.info.status, "name": run.info.run_name,
  "params": run.data.params, "last": run.data.metrics, "history": [[m.step, m.value] for m in history],
  "ended": run.info.end_time - run.info.start_time, "source": run.data.tags["mlflow.source.name"],
}))
client.log_metric(sys.argv[2], "by_hand", 1.0)
client.update_run(sys.argv[2], name="renamed")
`;

it("MLflow's own client reads them, writes to them, and pefd goes on", { skip }, async (t) => {
  const dir = temporaryFolder(t);
  const store = join(dir, "a store");
  const runDir = await writeRun(dir, "ours: 1", { epochs: 4, done: 3, terms: ["ce"] });
  const place = mlflowFiles(store);
  await trackRun(runDir, place, "RUNNING", "anew");
  await trackRun(runDir, place, "KILLED");
  const { runId } = keptOf(runDir);
  const env = { ...process.env, MLFLOW_ALLOW_FILE_STORE: "true", MLFLOW_DISABLE_TELEMETRY: "true" };
  const ask = () =>
    JSON.parse(
      execFileSync(python, ["-c", CLIENT, `file:${store}`, runId], { env, encoding: "utf8" }),
    );
  const killed = ask();
  assert.deepEqual([killed.runs, killed.status, killed.name], [[runId], "KILLED", "ours: 1"]);
  assert.deepEqual([killed.params.distill, killed.params.lr_decay_epochs], ["ours", "150,180,210"]);
  assert.equal(killed.source, "pefd");
  assert.ok(killed.ended >= 0);
  await writeRun(dir, "ours: 1", { epochs: 4, terms: ["ce"] });
  await trackRun(runDir, place, "RUNNING", "again");
  await trackRun(runDir, place, "FINISHED");
  const done = ask();
  assert.deepEqual([done.status, done.name], ["FINISHED", "renamed"]);
  assert.deepEqual(
    done.history,
    [1, 2, 3, 4].map((epoch) => [epoch, curveRow(epoch, 4, 1).test.top1]),
  );
  assert.equal(done.last.train_ce, curveRow(4, 4, 1).train.loss / 2);
  assert.equal(done.last.by_hand, 1);
});
