import { writeSync } from "node:fs";
import { nativeBackend } from "../native.js";
import { ownModule } from "../ownModule.js";
import { loadTensorFlow } from "../tf.js";

// Run in a process of its own (probe.ts), because a library that does not fit may abort it.
const STANDARD_OUTPUT = 1;

// biome-ignore lint/style/noRestrictedGlobals: a program of its own.
loadTensorFlow({ env: process.env, keepPrograms: false });
const { binding, isUsingGpuDevice } = nativeBackend();
const found = {
  version: binding.TF_Version,
  usesGpu: isUsingGpuDevice,
  ownModule: ownModule(),
};
writeSync(STANDARD_OUTPUT, JSON.stringify(found));
