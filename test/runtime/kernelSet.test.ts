import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runScript } from "../helpers/pefd.js";
import { OWN } from "../nn/ownOps.js";

const SCRIPT = fileURLToPath(new URL("./kernelSets.js", import.meta.url));

/** Sets of kernels where these convolutions are asked for: in float32 by graph, eager and xla, in bfloat16 by graph. */
async function setsWith(PEFD_CONVOLUTIONS: string): Promise<(string | null)[]> {
  const env = { PEFD_CONVOLUTIONS, CUDA_VISIBLE_DEVICES: "-1" };
  const { exitCode, stdout, stderr } = await runScript(SCRIPT, [], { env });
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout);
}

test("kernels that give the same bits are one set, others have another name", OWN, async () => {
  const [own, avx2, theirs] = [await setsWith(""), await setsWith("avx2"), await setsWith("tensorflow")];
  assert.deepEqual(own.slice(0, 3), ["own", "own", null]);
  assert.deepEqual(avx2.slice(0, 3), own.slice(0, 3));
  assert.deepEqual(theirs.slice(0, 3), ["tensorflow", "tensorflow", null]);
  assert.match(own[3] ?? "", /^own(-(amx|vnni)(-narrow)?|-onednn)?$/);
  assert.match(theirs[3] ?? "", /^tensorflow/);
});
