import { homedir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "../common/cachePaths.js";
import type { Environment } from "./gpu/types.js";
import { isCheckout, packageDirectory } from "./paths.js";
import { bindingName } from "./setup/wheels.js";

/**
 * The folder of what setup compiles and of the link to TensorFlow: tfjs-node-gpu's own in a checkout, each of which
 * may have another build; else in the cache, as npm's may not be writable; undefined without tfjs-node-gpu.
 */
export function nativeFolderIn(env: Environment, home: string): string | undefined {
  const folder = packageDirectory();
  if (folder === undefined || isCheckout()) return folder;
  return join(cacheDirectory(env, home), "runtime/installed", bindingName(folder));
}

/** The same for this process. */
export const nativeDirectory = (): string | undefined =>
  // biome-ignore lint/style/noRestrictedGlobals: the cache folder of the process is the one that setup wrote to.
  nativeFolderIn(process.env, homedir());
