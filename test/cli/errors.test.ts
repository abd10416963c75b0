import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { Interrupted } from "#pefd/cli/interrupt.js";
import { describeError } from "#pefd/cli/main.js";
import { resumeWords } from "#pefd/cli/train.js";
import { environmentError, runError } from "#pefd/common/errors.js";
import { shellWord } from "#pefd/common/text.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { ROOT } from "../helpers/paths.js";
import { runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const plain = { debug: false, color: false };

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("an error for people is its sentence, then the hint, with its exit code", () => {
  assert.deepEqual(describeError(environmentError("No library.", "Run setup."), plain), {
    text: "error: No library.\n  Run setup.",
    exitCode: 3,
  });
  assert.equal(describeError(runError("Diverged."), plain).exitCode, 1);
});

test("signals end with 128 and their number", () => {
  const codes = (["SIGHUP", "SIGINT", "SIGTERM"] as const).map(
    (name) => describeError(new Interrupted(name), plain).exitCode,
  );
  assert.deepEqual(codes, [129, 130, 143]);
  const { text } = describeError(new Interrupted("SIGINT", "Resume with: pefd"), plain);
  assert.equal(text, "Stopped by SIGINT.\n  Resume with: pefd");
});

test("what the system refuses and a full device are told as such", () => {
  const refused = thrownBy(() => readdirSync("/nowhere/at/all"));
  const { text, exitCode } = describeError(refused, plain);
  assert.match(text, /^error: A system call failed: ENOENT.*\/nowhere\/at\/all/);
  assert.equal(exitCode, 1);
  assert.match(describeError(new Error("OOM when allocating tensor"), plain).text, /--batch_size/);
});

test("where what is compiled lacks an op of pefd's own, setup is asked for", () => {
  loadTensorFlow();
  const alone = thrownBy(() => {
    nativeBackend().executeSingleOutput("PefdNone", [], [tf.scalar(1)]);
  });
  const inGraph = new Error("Invalid TF_Status: 5\nMessage: Op type not registered 'PefdNone' in");
  for (const thrown of [alone, inGraph]) {
    const { text, exitCode } = describeError(thrown, plain);
    assert.match(text, /^error: The compiled kernels are older.*\n {2}Type: pefd setup$/);
    assert.equal(exitCode, 3);
  }
});

test("anything else is reported as a defect in one sentence, its stack only with --debug", () => {
  const { text, exitCode } = describeError(new TypeError("x is not a function\nmore"), plain);
  assert.equal(exitCode, 1);
  assert.deepEqual(text.split("\n"), [
    "error: This is a defect of pefd: TypeError: x is not a function",
    "  Run it again with --debug and report the stack trace.",
  ]);
  assert.match(describeError(new Error("x"), { debug: true, color: false }).text, /\n\s+at /);
  assert.match(describeError("thrown text", plain).text, /thrown text/);
});

test("colours are written only where asked for", () => {
  const error = runError("Red.");
  assert.ok(!describeError(error, plain).text.includes("\u001b"));
  assert.ok(describeError(error, { debug: false, color: true }).text.includes("\u001b[31m"));
});

test("the line that resumes a run can be pasted into a shell", () => {
  const argv = ["distill", "--force", "--path_t", "a b/it's.pth", "--save_dir", "x/S:a_b,c"];
  const line = resumeWords(argv).map(shellWord).join(" ");
  assert.equal(line, "distill --path_t 'a b/it'\\''s.pth' --save_dir x/S:a_b,c --resume");
});

test("a reader that goes away is no error", () => {
  const command = `node ${resolve(ROOT, "bin/pefd.js")} config list | true; echo \${PIPESTATUS[0]}`;
  const { stdout, stderr } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  assert.deepEqual([stdout, stderr], ["0\n", ""]);
});

test("in a folder that was removed every command says so, and what to do", async (t) => {
  const folder = temporaryFolder(t);
  const script = 'mkdir gone && cd gone && rmdir "$PWD" && exec "$@"';
  for (const words of [["report"], ["verify", "save"], ["train-teacher"], ["doctor"], ["--help"]]) {
    const typed = ["-c", script, "sh", process.execPath, resolve(ROOT, "bin/pefd.js"), ...words];
    const { exitCode, stderr } = await runProgram("sh", typed, { cwd: folder, env: process.env });
    assert.match(stderr, /The current folder was removed\.\n +Change to an existing folder/, words.join(" "));
    assert.doesNotMatch(stderr, /uv_cwd|node:internal|defect/);
    assert.equal(exitCode, 3);
  }
});
