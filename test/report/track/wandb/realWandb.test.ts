import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { trackRun } from "#pefd/report/track/trackRun.js";
import { wandbFiles } from "#pefd/report/track/wandb/files.js";
import { temporaryFolder } from "../../../helpers/temporaryFolder.js";
import { curveRow, writeRun } from "../../fakeRuns.js";
import { fakeWandb } from "./fakeWandb.js";

const python = process.env.PEFD_WANDB ?? "python3";
const has = spawnSync(python, ["-c", "import wandb.cli"]).status === 0;
const skip = has ? false : "no wandb here (PEFD_WANDB names a Python that has it)";

it("`wandb sync` sends a run's settings, epochs and end", { skip }, async (t) => {
  const dir = temporaryFolder(t);
  const { received, address } = await fakeWandb(t);
  const place = wandbFiles(dir);
  // So many epochs that records cross the blocks of the file.
  const runDir = await writeRun(dir, "ours_1", { epochs: 150, done: 90, terms: ["ce"] });
  await trackRun(runDir, place, "RUNNING", "anew");
  await trackRun(runDir, place, "KILLED");
  await writeRun(dir, "ours_1", { epochs: 150, terms: ["ce"] });
  await trackRun(runDir, place, "RUNNING", "again");
  await trackRun(runDir, place, "FINISHED");
  const [run = ""] = readdirSync(join(dir, "wandb"));
  const env = {
    ...{ PATH: process.env.PATH, HOME: dir, WANDB_DIR: dir, WANDB_ERROR_REPORTING: "false" },
    ...{ WANDB_BASE_URL: address, WANDB_API_KEY: "a".repeat(40) },
  };
  const words = ["-m", "wandb", "sync", join(dir, "wandb", run)];
  const { stderr } = await promisify(execFile)(python, words, { env, cwd: dir });
  const sent = received.runs[0] as { project: string; displayName: string; config: string };
  assert.ok(sent, stderr);
  assert.deepEqual([sent.project, sent.displayName], ["resnet32x4-resnet8x4", "ours_1"]);
  const settings = JSON.parse(sent.config);
  assert.equal(settings.learning_rate.value, 0.05);
  assert.deepEqual(settings.lr_decay_epochs.value, [150, 180, 210]);
  const rows = received.history.map((line) => JSON.parse(line) as Record<string, number>);
  assert.deepEqual(
    rows.map(({ _step, test_top1, train_ce }) => [_step, test_top1, train_ce]),
    Array.from({ length: 150 }, (_, at) => {
      const { epoch, test, train } = curveRow(at + 1, 150, 1);
      return [epoch, test.top1, train.loss / 2];
    }),
  );
  assert.deepEqual(received.exitCodes, [0]);
});
