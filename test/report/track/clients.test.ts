import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { silentReporter } from "#pefd/report/live/reporter.js";
import type { RunReporter } from "#pefd/report/log/contract.js";
import { mlflowFiles, wandbLive, wandbOffline } from "#pefd/report/track/clients.js";
import { createTracker } from "#pefd/report/track/tracker.js";
import { readTracked } from "#pefd/runFiles/stateFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";
import { best, infoOf, trackOnce } from "./tracking.js";

/** Stand-ins of the two packages, which write each call to $CALLS, and misbehave as $FAULT says. */
const CALLS = `
import json, os, time
def call(*words):
    print("printed to stdout")
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps(words) + "\\n")
    fault = os.environ.get("FAULT", "")
    if fault and fault.split()[1] == words[0]:
        if fault.startswith("hang"): time.sleep(600)
        if fault.startswith("crash"): os._exit(7)
        if fault.startswith("raise"): raise ValueError("no\\n\\x1b[2Jroom")
`;

const WANDB = `${CALLS}
def Settings(**words): return words
def login(**_):
    if os.environ.get("FAULT") == "raise login": raise ValueError("No API key configured.")
    return True
class Run:
    url = None
    def log(self, values, step): call("log", step, values["test_top1"])
    def finish(self, exit_code): call("finish", exit_code)
def init(id, name, config, mode, settings, **where):
    call("init", id, name, mode, where.get("project"), config["distill"], where.get("resume"))
    run = Run()
    if mode == "online": run.url = "https://wandb.example/" + id
    return run
`;

const MLFLOW = `${CALLS}
class entities:
    Param = staticmethod(lambda key, value: [key, value])
    Metric = staticmethod(lambda key, value, timestamp, step: [key, value, step])
import sys; sys.modules["mlflow.entities"] = entities
class Info: run_id = "0123"
class Run: info = Info
class MlflowClient:
    def __init__(self, tracking_uri): call("open", tracking_uri)
    def get_experiment_by_name(self, name): return None
    def create_experiment(self, name): return "7"
    def create_run(self, experiment, run_name, tags):
        call("create", experiment, run_name); return Run
    def log_batch(self, run, params=(), metrics=()):
        if params: call("params", run, dict(params)["distill"])
        if metrics: call("metrics", run, [m[2] for m in metrics if m[0] == "test_top1"])
    def update_run(self, run, status): call("update", run, status)
    def set_terminated(self, run, status): call("end", run, status)
`;

function fakeClients(t: TestContext, fault = "") {
  const dir = temporaryFolder(t);
  const modules = join(dir, "modules");
  mkdirSync(modules);
  writeFileSync(join(modules, "wandb.py"), WANDB);
  writeFileSync(join(modules, "mlflow.py"), MLFLOW);
  const file = join(dir, "calls");
  writeFileSync(file, "");
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    PYTHONPATH: modules,
    CALLS: file,
    FAULT: fault,
  };
  const calls = () =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown[]);
  return { dir, env, calls };
}

function runIdIn(runDir: string): string {
  const kept = readTracked(runDir, "wandb.json");
  assert.ok(kept.state === "whole");
  return kept.content.runId;
}

const top1 = (epoch: number) => curveRow(epoch, 3, 1).test.top1;

describe("trackers with clients in Python", () => {
  it("W&B gets settings, epochs and end, and the same run again after a stop", async (t) => {
    const { dir, env, calls } = fakeClients(t);
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 2 });
    assert.deepEqual(await trackOnce(runDir, wandbLive("mine", env), 1, "KILLED"), []);
    await writeRun(dir, "run", { epochs: 3 });
    assert.deepEqual(await trackOnce(runDir, wandbLive("mine", env), 3, "FINISHED"), []);
    const id = runIdIn(runDir);
    const init = ["init", id, "run", "online", "mine", "ours", "allow"];
    assert.deepEqual(calls(), [
      init,
      ["log", 1, top1(1)],
      ["log", 2, top1(2)],
      ["finish", 255],
      init,
      ["log", 3, top1(3)],
      ["finish", 0],
    ]);
  });

  it("W&B's files belong to the pair's project, MLflow's to its experiment", async (t) => {
    const { dir, env, calls } = fakeClients(t);
    const runDir = await writeRun(dir, "run", { epochs: 3 });
    assert.deepEqual(await trackOnce(runDir, wandbOffline(join(dir, "wb"), env), 1, "FINISHED"), []);
    assert.deepEqual(calls()[0]?.slice(0, 5), ["init", runIdIn(runDir), "run", "offline", "resnet32x4-resnet8x4"]);
    assert.deepEqual(await trackOnce(runDir, mlflowFiles(join(dir, "ml"), env), 1, "KILLED"), []);
    assert.deepEqual(await trackOnce(runDir, mlflowFiles(join(dir, "ml"), env), 4, "FINISHED"), []);
    const own = calls().filter(([name]) => !["init", "log", "finish"].includes(String(name)));
    assert.deepEqual(own, [
      ["open", `file://${join(dir, "ml")}`],
      ["create", "7", "run"],
      ["params", "0123", "ours"],
      ["metrics", "0123", [1, 2, 3]],
      ["end", "0123", "KILLED"],
      ["open", `file://${join(dir, "ml")}`],
      ["update", "0123", "RUNNING"],
      ["end", "0123", "FINISHED"],
    ]);
  });

  for (const [fault, sentence] of [
    ["crash log", /its process exited \(.*\)/],
    ["raise log", /no\\n\\x1b\[2Jroom/],
    ["crash init", /its process exited/],
    ["hang finish", /did not accept everything within 2 s/],
    ["hang init", /did not accept everything within 2 s/],
  ] as const) {
    it(`a client that does "${fault}" costs a warning, and no second run`, async (t) => {
      const { dir, env, calls } = fakeClients(t, fault);
      const runDir = await writeRun(dir, "run", { epochs: 3 });
      const warnings: string[] = [];
      const told: RunReporter = { ...silentReporter, warn: (text) => warnings.push(text) };
      const place = wandbLive("mine", env);
      await place.prepare?.();
      const { reporter, finish } = createTracker(told, place, 2000);
      reporter.runStarted(infoOf(runDir, 1));
      for (const epoch of [1, 2, 3]) reporter.epochDone(curveRow(epoch, 3, 1), best);
      await finish("FINISHED");
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0] ?? "", sentence);
      const runs = calls().filter(([name]) => name === "init");
      assert.deepEqual([...new Set(runs.map(([, id]) => id))], [runIdIn(runDir)]);
    });
  }

  it("says before training what is missing, and what to type", async (t) => {
    const { dir, env } = fakeClients(t);
    writeFileSync(join(dir, "modules", "wandb.py"), "import wandb_that_nobody_has");
    await assert.rejects(wandbLive("mine", env).prepare?.() ?? Promise.resolve(), {
      exitCode: 3,
      message: /needs W&B's Python client, and python3 has no module wandb_that_nobody_has/,
      hint: /^Type: python3 -m pip install wandb/,
    });
    const nowhere = { ...env, PEFD_PYTHON: "/nowhere/python" };
    await assert.rejects(mlflowFiles(dir, nowhere).prepare?.() ?? Promise.resolve(), {
      exitCode: 3,
      message: /\/nowhere\/python cannot be started/,
    });
    const other = fakeClients(t, "raise login").env;
    await assert.rejects(wandbLive("mine", other).prepare?.() ?? Promise.resolve(), {
      exitCode: 3,
      message: /No API key configured/,
    });
  });
});
