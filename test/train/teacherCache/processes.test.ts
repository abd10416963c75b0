import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ROOT } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { randomTeacher, smallData } from "../runs.js";

const RUN = "student_model/S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_1";

/** The words of a distillation into a folder of its own. */
const words = (folder: string, name: string, epochs: number, ...more: string[]) => [
  "distill",
  "--path_t",
  join(folder, "teacher.safetensors"),
  "--model_t",
  "resnet8",
  "--model_s",
  "resnet8",
  "--data",
  join(folder, "data"),
  "--save_dir",
  join(folder, name),
  "--batch_size",
  "4",
  "--epochs",
  String(epochs),
  "--engine",
  "graph",
  "--deterministic",
  ...more,
];

/** Bytes in the cache's files of outputs. */
function cacheSize(cache: string): number {
  try {
    const [folder] = readdirSync(join(cache, "teacher"));
    return statSync(join(cache, "teacher", folder as string, "features.bin")).size;
  } catch {
    return 0; // not there yet
  }
}

test("processes share a cache while they run; one that is killed leaves it sound", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder, 20);
  await randomTeacher(folder);
  const cache = join(folder, "cache");
  const env = { ...process.env, NO_COLOR: "1", PEFD_CACHE: cache };
  const weights = (name: string) => readFileSync(join(folder, name, RUN, "resnet8_last.safetensors"));

  const script = resolve(ROOT, "bin/pefd.js");
  const endless = words(folder, "killed", 100_000, "--teacher_cache");
  const killed = spawn(process.execPath, [script, ...endless], { env, stdio: "ignore" });
  t.after(() => killed.kill("SIGKILL"));
  while (cacheSize(cache) === 0 && killed.exitCode === null) await setTimeout(20);
  const beside = pefd(words(folder, "beside", 2, "--teacher_cache"), {
    env: { PEFD_CACHE: cache },
  });
  const alone = await pefd(words(folder, "alone", 2));
  killed.kill("SIGKILL");
  await once(killed, "exit");
  const { exitCode, stderr } = await beside;
  assert.equal(exitCode, 0, stderr);
  assert.equal(alone.exitCode, 0, alone.stderr);
  assert.deepEqual(weights("beside"), weights("alone"));

  const after = await pefd(words(folder, "after", 2, "--teacher_cache", "--json"), {
    env: { PEFD_CACHE: cache },
  });
  assert.equal(after.exitCode, 0, after.stderr);
  assert.deepEqual(weights("after"), weights("alone"));
  if (after.stderr.includes("not used here")) return;
  // The killed run had the same seed: all that these epochs need was there.
  const { teacherCache } = JSON.parse(after.stdout);
  assert.deepEqual(teacherCache, { found: 40, computed: 0 });
  assert.match(after.stderr, /outputs of 40 images found, of 0 computed/);
});
