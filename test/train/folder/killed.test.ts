import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { synthesize } from "#pefd/data/folder/row.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { ROOT } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** Two whole batches and a short one. */
const IMAGES = { train: 20, test: 6, seed: 5, classes: 3 };
const BATCH = ["--batch_size", "8", "--learning_rate", "0.01"];

interface Result {
  readonly runDir: string;
  readonly weightsSha256: string;
}

/** The line of the second step of the second epoch, as --print_freq 1 has it. */
const IN_MID_EPOCH = "Epoch: [2][1/3]";

/** Kills a run as soon as it says that it is in mid-epoch. */
function killInMidEpoch(words: readonly string[], cwd: string): Promise<NodeJS.Signals | null> {
  const command = [resolve(ROOT, "bin/pefd.js"), ...words, "--print_freq", "1"];
  const child = spawn(process.execPath, command, { cwd });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes(IN_MID_EPOCH)) child.kill("SIGKILL");
    });
  }
  return new Promise((done) => child.on("close", (_, signal) => done(signal)));
}

test("a distillation on a folder, killed in mid-epoch, goes on with other threads and from shards to the same bytes", async (t) => {
  const cwd = temporaryFolder(t);
  await synthesize(join(cwd, "images"), IMAGES);
  const run = async (...words: string[]) => {
    const ended = await pefd(words, { cwd });
    assert.equal(ended.exitCode, 0, `${words.join(" ")}: ${ended.stderr}`);
    return ended.stdout;
  };
  await run("data", "pack", "folder", "--data", "images", "--out", "shards");
  const from = (data: string) => ["--dataset", "folder", "--data", data, "--image_size", "32"];
  const trained = async (words: readonly string[], epochs: string) =>
    JSON.parse(await run(...words, ...BATCH, "--epochs", epochs, "--json", "--quiet")) as Result;

  const teacher = await trained(["train-teacher", "--model", "resnet8", ...from("images")], "1");
  const path = join(teacher.runDir, "resnet8_last.safetensors");
  const student = ["distill", "--path_t", path, "--model_s", "resnet8", "--distill", "ours"];
  const distil = (data: string, save: string, workers: string) => [
    ...student,
    ...from(data),
    "--save_dir",
    save,
    "--num_workers",
    workers,
  ];
  const whole = await trained(distil("images", "whole", "2"), "3");
  const losses = readEpochLog(join(cwd, whole.runDir)).map(({ train }) => train.loss);
  assert.ok((losses[2] as number) < (losses[0] as number), `losses ${losses}`);

  for (const rest of ["images", "shards"]) {
    const save = `killed-${rest}`;
    const words = [...distil("images", save, "1"), ...BATCH, "--epochs", "3"];
    assert.equal(await killInMidEpoch(words, cwd), "SIGKILL");
    const resumed = await trained([...distil(rest, save, "3"), "--resume"], "3");
    assert.equal(resumed.weightsSha256, whole.weightsSha256, `gone on with from ${rest}`);
  }
  const packed = await trained(distil("shards", "packed", "0"), "3");
  assert.equal(packed.weightsSha256, whole.weightsSha256);
});
