import { homedir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "../common/cachePaths.js";
import type { Environment } from "./gpu/types.js";
import { isCheckout, packageDirectory } from "./paths.js";
import { bindingName } from "./setup/wheels.js";

/** The folder of what set-up compiles: tfjs-node-gpu's own in a checkout, else in the cache; undefined without it. */
export function nativeFolderIn(env: Environment, home: string): string | undefined {
  const folder = packageDirectory();
  if (folder === undefined || isCheckout()) return folder;
  return join(cacheDirectory(env, home), "runtime/installed", bindingName(folder));
}

/** The same for this process. */
export const nativeDirectory = (): string | undefined =>
  // biome-ignore lint/style/noRestrictedGlobals: the cache folder of the process is the one that set-up wrote to.
  nativeFolderIn(process.env, homedir());
