import assert from "node:assert/strict";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";

/** What pefd doctor finds where no GPU takes the convolutions. */
const doctor = async (word: string) => {
  const env = { PEFD_CONVOLUTIONS: word, CUDA_VISIBLE_DEVICES: "-1" };
  const { stdout } = await pefd(["doctor", "--json"], { env });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] };
  return Object.fromEntries(checks.map(({ name, detail }) => [name, detail]));
};

test("PEFD_CONVOLUTIONS=tensorflow goes without our own convolutions, and pefd doctor says so", async () => {
  assert.equal((await doctor("tensorflow")).convolutions, "TensorFlow's");
});

test("PEFD_CONVOLUTIONS with another word is refused as a mistake of the user", async () => {
  const { exitCode, stderr } = await pefd(["bench", "--steps", "1"], {
    env: { PEFD_CONVOLUTIONS: "fast" },
  });
  assert.equal(exitCode, 2);
  assert.match(stderr, /^error: PEFD_CONVOLUTIONS must be avx512, avx2 or tensorflow/);
  assert.doesNotMatch(stderr, /\n\s+at /);
  assert.match((await doctor("fast")).tensorflow ?? "", /does not load: PEFD_CONVOLUTIONS must be/);
});
