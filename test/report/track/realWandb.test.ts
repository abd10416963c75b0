import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { wandbLive, wandbOffline } from "#pefd/report/track/clients.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../fakeRuns.js";
import { fakeWandb } from "./fakeWandb.js";
import { trackOnce } from "./tracking.js";

const python = process.env.PEFD_WANDB ?? "python3";
const has = spawnSync(python, ["-c", "import wandb.cli"]).status === 0;
const skip = has ? false : "no wandb here (PEFD_WANDB names a Python that has it)";

const environment = (dir: string, address: string) => ({
  PATH: process.env.PATH,
  HOME: dir,
  WANDB_DIR: dir,
  WANDB_ERROR_REPORTING: "false",
  WANDB_BASE_URL: address,
  WANDB_API_KEY: "a".repeat(40),
  PEFD_PYTHON: python,
});

function check({ runs, history }: Awaited<ReturnType<typeof fakeWandb>>["received"], epochs: number) {
  const sent = runs[0] as { displayName: string; config: string };
  assert.ok(sent);
  assert.equal(sent.displayName, "ours_1");
  const settings = JSON.parse(sent.config);
  assert.equal(settings.learning_rate.value, 0.05);
  assert.deepEqual(settings.lr_decay_epochs.value, [150, 180, 210]);
  const rows = history.map((line) => JSON.parse(line) as Record<string, number>);
  assert.deepEqual(
    rows.map(({ _step, test_top1, train_ce }) => [_step, test_top1, train_ce]),
    Array.from({ length: epochs }, (_, at) => {
      const { epoch, test, train } = curveRow(at + 1, epochs, 1);
      return [epoch, test.top1, train.loss / 2];
    }),
  );
}

it("`wandb sync` sends a run's settings, epochs and end", { skip }, async (t) => {
  const dir = temporaryFolder(t);
  const { received, address } = await fakeWandb(t);
  const env = environment(dir, address);
  const runDir = await writeRun(dir, "ours_1", { epochs: 15, terms: ["ce"] });
  assert.deepEqual(await trackOnce(runDir, wandbOffline(dir, env), 1, "FINISHED"), []);
  const [run = ""] = readdirSync(join(dir, "wandb")).filter((name) => name.startsWith("offline-"));
  const words = ["-m", "wandb", "sync", join(dir, "wandb", run)];
  await promisify(execFile)(python, words, { env, cwd: dir });
  check(received, 15);
  assert.deepEqual(received.exitCodes, [0]);
});

it("W&B's client sends a run to its server while it goes on", { skip }, async (t) => {
  const dir = temporaryFolder(t);
  const { received, address } = await fakeWandb(t);
  const env = environment(dir, address);
  const runDir = await writeRun(dir, "ours_1", { epochs: 3, terms: ["ce"] });
  assert.deepEqual(await trackOnce(runDir, wandbLive("distillation", env), 1, "FINISHED"), []);
  check(received, 3);
  assert.equal(received.runs[0]?.project, "distillation");
  assert.deepEqual(received.exitCodes, [0]);
});
