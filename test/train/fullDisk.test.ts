import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { RESUME_FILE } from "#pefd/runFiles/stateFile.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { smallDisk } from "../helpers/smallDisk.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { silentHooks, smallData, teacherOptions } from "./runs.js";

test("a disk that fills up ends the run with exit code 1 and leaves whole files only", async (t) => {
  // resnet8: 0.35 MB of weights, twice that to go on from. Checkpoints of every epoch fill the disk in epoch 4 or so.
  const disk = smallDisk(t, "3m");
  if (disk === undefined) return;
  loadTensorFlow();
  const folder = temporaryFolder(t);
  await smallData(folder);
  const options = teacherOptions(folder, { save_dir: disk, save_freq: 1, epochs: 20 });
  await assert.rejects(runTeacher(options, silentHooks()), {
    exitCode: 1,
    message: /the disk is full/,
    hint: /Free some space/,
  });

  const runDir = join(disk, "models", readdirSync(join(disk, "models"))[0] as string);
  const files = readdirSync(runDir);
  assert.deepEqual(
    files.filter((file) => file.endsWith(".pefd-tmp")),
    [],
  );
  const weights = files.filter((file) => file.endsWith(".safetensors"));
  assert.ok(weights.includes("ckpt_epoch_1.safetensors"));
  for (const file of weights) await readCheckpoint(join(runDir, file));

  // With room again, the run goes on from the last epoch that was kept and equals one that never failed.
  for (const file of weights.filter((name) => name.startsWith("ckpt"))) rmSync(join(runDir, file));
  const { metadata } = await readCheckpoint(join(runDir, RESUME_FILE));
  const epochs = (metadata.progress as { epoch: number }).epoch + 1;
  const going = { ...options, epochs, save_freq: 40 };
  await runTeacher({ ...going, resume: true }, silentHooks());
  const whole = await runTeacher({ ...going, save_dir: join(folder, "save") }, silentHooks());
  const last = "resnet8_last.safetensors";
  assert.deepEqual(readFileSync(join(runDir, last)), readFileSync(join(whole.runDir, last)));
});
