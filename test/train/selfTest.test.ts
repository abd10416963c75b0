import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "#pefd/runtime/command.js";
import { arithmeticCheck, compareComputed } from "#pefd/train/selfTest/selfTest.js";
import type { Computed } from "#pefd/train/selfTest/selfTestProcess.js";

const PROGRAM = fileURLToPath(import.meta.resolve("#pefd/train/selfTest/selfTestProcess.js"));

let wanted: Computed["values"];

before(async () => {
  const { stdout, stderr } = await runCommand(process.execPath, [PROGRAM, "eager", "float32"]);
  wanted = (JSON.parse(stdout || assert.fail(stderr)) as Computed).values;
});

test("XLA's arithmetic on this device is the CPU's, in each precision", async () => {
  const { ok, detail } = await arithmeticCheck(process.execPath, process.env);
  assert.ok(ok, detail);
  assert.match(detail, /float32 within \de-\d, bfloat16 within \de-\d, float16 within \de-\d/);
});

test("a fault in any quantity is named by it, the first one first", () => {
  const names = Object.keys(wanted);
  assert.equal(names.length, 10);
  for (const [i, name] of names.entries()) {
    const faulty = Object.fromEntries(
      Object.entries(wanted).map(([one, values], j) => [one, j < i ? values : values.map((v) => -v)]),
    );
    const { failure } = compareComputed(faulty, wanted, "bfloat16");
    assert.match(failure ?? "", new RegExp(`^in bfloat16, ${name} is off by 2\\.0 of its size`));
  }
});

test("TF32's rounding is too much for float32, and what is no number is said", () => {
  const rounded = { ...wanted, "the convolution": (wanted["the convolution"] ?? []).map((v) => v * (1 + 2 ** -11)) };
  assert.match(compareComputed(rounded, wanted, "float32").failure ?? "", /the convolution is off by 0\.00049/);
  assert.equal(compareComputed(rounded, wanted, "bfloat16").failure, undefined);
  const lost = { ...wanted, "the updated filter": [] };
  assert.match(compareComputed(lost, wanted, "float32").failure ?? "", /the updated filter is no number/);
});

test("a device that does not compute is a sentence", async () => {
  const { ok, detail } = await arithmeticCheck("/nowhere/node", process.env);
  assert.ok(!ok);
  assert.match(detail, /^the CPU did not compute: .*ENOENT/);
});
