import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { parseSafetensors } from "#pefd/checkpoint/safetensors.js";
import { createRandom } from "#pefd/common/random.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { ROOT } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { randomTeacher, smallData } from "../train/runs.js";

/** PEFD_SOAK=1 takes the time that a real soak test takes. */
const SOAK = process.env.PEFD_SOAK === "1";
const EPOCHS = SOAK ? 200 : 3;
const KILLS = SOAK ? 40 : 3;
const STEPS_PER_EPOCH = 3;
/** Signs of life until the first kill, before anything is kept, and until the second, in epoch 2. */
const FIRST_SIGNS = [1, 1 + STEPS_PER_EPOCH + 2];
const RUN = "student_model/S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_1";

async function prepared(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  return folder;
}

/** Runs a distillation in another process. @returns its output and its end */
function start(folder: string, save: string, epochs: number) {
  const script = join(ROOT, "dist-test/soak/child.js");
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const child = spawn(process.execPath, [script, folder, join(folder, save), String(epochs)], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let problems = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    problems += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, problems }));
  return { child, ended };
}

async function runToItsEnd(folder: string, save: string, epochs: number): Promise<void> {
  const { child, ended } = start(folder, save, epochs);
  child.stdout?.resume();
  const { code, problems } = await ended;
  assert.equal(code, 0, problems);
}

/** Kills a run a moment after so many signs of life. @returns whether it was still going */
async function killAfter(
  folder: string,
  save: string,
  { epochs, signs, milliseconds }: { epochs: number; signs: number; milliseconds: number },
): Promise<boolean> {
  const { child, ended } = start(folder, save, epochs);
  let seen = 0;
  child.stdout?.on("data", async (text: Buffer) => {
    const due = seen < signs && seen + text.length >= signs;
    seen += text.length;
    if (!due) return;
    await setTimeout(milliseconds);
    child.kill("SIGKILL");
  });
  const { code, signal, problems } = await ended;
  assert.ok(signal === "SIGKILL" || code === 0, problems);
  return signal === "SIGKILL";
}

/** The tensors of a file of a run, byte by byte, and what it says of itself but for the time that things took. */
function timeless(bytes: Uint8Array) {
  const { state, metadata } = parseSafetensors(bytes);
  const { row, logSha256: _, ...progress } = JSON.parse(metadata.get("progress") ?? "{}");
  const { epoch, learningRate, train, test } = row ?? {};
  return { state, progress: { ...progress, row: { epoch, learningRate, train, test } } };
}

/** All that a killed and resumed run must share with one that nobody disturbed. */
function assertSameRun(folder: string, save: string, whole: string): void {
  const [runDir, wholeDir] = [join(folder, save, RUN), join(folder, whole, RUN)];
  const names = (directory: string) =>
    readdirSync(directory)
      .filter((name) => !name.startsWith("events."))
      .sort();
  assert.deepEqual(names(runDir), names(wholeDir)); // no temporary file, no lock
  for (const name of names(wholeDir).filter((file) => file.endsWith(".safetensors"))) {
    const content = (directory: string) => timeless(readFileSync(join(directory, name)));
    assert.deepEqual(content(runDir), content(wholeDir), `${name} differs`);
  }
  const curves = (directory: string) =>
    readEpochLog(directory).map(({ epoch, train, test }) => ({ epoch, train, test }));
  assert.deepEqual(curves(runDir), curves(wholeDir));
}

test(`a distillation killed ${KILLS} times in ${EPOCHS} epochs ends with the bytes of an undisturbed one`, async (t) => {
  const folder = await prepared(t);
  await runToItsEnd(folder, "whole", EPOCHS);
  const random = createRandom(1, "kills");
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const signs = FIRST_SIGNS[i] ?? 2 + random.integer((2 * STEPS_PER_EPOCH * EPOCHS) / KILLS);
    const plan = { epochs: EPOCHS, signs, milliseconds: random.integer(60) };
    if (await killAfter(folder, "killed", plan)) killed++;
    if (existsSync(join(folder, "killed", RUN, "result.json"))) break;
  }
  t.diagnostic(`${killed} kills hit the run`);
  assert.ok(killed >= 2, `only ${killed} kills hit the run`);
  await runToItsEnd(folder, "killed", EPOCHS);
  assertSameRun(folder, "killed", "whole");
});
