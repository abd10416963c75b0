import { writeSync } from "node:fs";
import { PefdError } from "../../common/errors.js";
import { nativeBackend } from "../native.js";
import { ownModule } from "../ownModule.js";
import { loadTensorFlow } from "../tf.js";

// Run in a process of its own (probe.ts), because a library that does not fit may abort it.
const STANDARD_OUTPUT = 1;

/** What was found, or what a device refused and what to do about it. */
function found() {
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a program of its own.
    loadTensorFlow({ env: process.env, keepPrograms: false });
  } catch (error) {
    if (!(error instanceof PefdError) || error.cause === undefined) throw error;
    return { version: undefined, usesGpu: false, refusal: error.message, hint: error.hint };
  }
  const { binding, isUsingGpuDevice } = nativeBackend();
  return { version: binding.TF_Version, usesGpu: isUsingGpuDevice, ownModule: ownModule() };
}

writeSync(STANDARD_OUTPUT, JSON.stringify(found()));
