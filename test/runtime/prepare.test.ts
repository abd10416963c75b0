import assert from "node:assert/strict";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { prepareNative } from "#pefd/runtime/prepare.js";

const bare = (more: Record<string, string> = {}): Record<string, string | undefined> => ({
  PATH: "/nowhere",
  PEFD_CACHE: "/nowhere/cache",
  CUDA_VISIBLE_DEVICES: "",
  ...more,
});

test("what the native library reads is set in the environment that is given", () => {
  const env = bare();
  prepareNative({ env });
  assert.equal(env.TF_CPP_MIN_LOG_LEVEL, "3");
  assert.match(env.TF_XLA_FLAGS ?? "", /directory=ram:/);
});

test("programs are kept unless it is said otherwise", () => {
  const env = bare();
  prepareNative({ env, keepPrograms: false });
  assert.equal(env.TF_XLA_FLAGS, undefined);
});

test("PEFD_RUNTIME=cpu hides every GPU, and one that is asked for is refused", () => {
  const env = bare({ PEFD_RUNTIME: "cpu", CUDA_VISIBLE_DEVICES: "0" });
  prepareNative({ env, keepPrograms: false });
  assert.equal(env.CUDA_VISIBLE_DEVICES, "-1");
  assert.throws(
    () => prepareNative({ env: bare({ PEFD_RUNTIME: "cpu" }), gpu: 0 }),
    (error: PefdError) => error.exitCode === 2 && /--gpu 0/.test(error.message),
  );
});
