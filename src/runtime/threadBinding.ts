import { constants } from "node:os";
import { environmentError } from "../common/errors.js";
import { threadSafe } from "./attributeNames.js";
import { compileAgain, refuseDamaged } from "./compiledFiles.js";
import type { NativeBinding } from "./native.js";
import { nativeDirectory } from "./nativeFolder.js";
import { loadOwnModule } from "./ownModule.js";
import { bindingFile } from "./paths.js";

/** The native binding with our ops, for a thread; the environment is prepared (prepare.ts). @throws environmentError */
export function loadThreadBinding(): NativeBinding {
  const folder = nativeDirectory() ?? "";
  // biome-ignore lint/style/noRestrictedGlobals: the native library reads the process's own.
  const { env } = process;
  refuseDamaged(folder, env);
  const module: { exports: unknown } = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: the package's own loader loads all of TensorFlow.js.
    process.dlopen(module, bindingFile(folder), constants.dlopen.RTLD_NOW);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw environmentError(`The native TensorFlow library did not load: ${reason}`, compileAgain(folder));
  }
  loadOwnModule(env);
  return threadSafe(module.exports as NativeBinding);
}
