import { cacheDirectory } from "../../common/cachePaths.js";
import { environmentError } from "../../common/errors.js";
import { exclusively } from "../../common/exclusive.js";
import { probeTensorFlow } from "../doctor/probe.js";
import type { Environment } from "../gpu/types.js";
import { nativeFolderIn } from "../nativeFolder.js";
import { packageDirectory } from "../paths.js";
import { type InstallSettings, installRuntime, runtimeIsReady } from "./install.js";

/** Where a set-up takes place, and who is told about it. */
export interface SetUp extends Pick<InstallSettings, "env" | "node" | "onPhase" | "onBytes"> {
  /** The user's home folder (os.homedir()). */
  readonly home: string;
  /** File descriptors that every program started here keeps open as long as it lives. */
  readonly inherit?: readonly number[];
}

/** @throws environmentError where the package lacks a part of itself */
function foldersOf(env: Environment, home: string) {
  const packageFolder = packageDirectory();
  const nativeFolder = nativeFolderIn(env, home);
  if (packageFolder !== undefined && nativeFolder !== undefined) {
    return { packageFolder, nativeFolder };
  }
  throw environmentError(
    "A part of pefd is missing: TensorFlow.js for Node.js.",
    "Install pefd again; in a checkout, type: npm run setup",
  );
}

/** Whether everything is set up, for this machine as it is. Only looks; fast. */
export function isSetUp(env: Environment, home: string): boolean {
  const { packageFolder, nativeFolder } = foldersOf(env, home);
  return runtimeIsReady(packageFolder, env, nativeFolder);
}

/**
 * Brings the native library and compiles what is compiled beside it, or what is missing of it. Other processes that set up
 * with the same cache are waited for.
 * @returns whether anything had to be done
 * @throws environmentError naming what is missing and what to type
 */
export async function setUp({ home, inherit = [], ...settings }: SetUp): Promise<boolean> {
  const { env, node, onPhase } = settings;
  if (isSetUp(env, home)) return false;
  const cache = cacheDirectory(env, home);
  const onWait = () => onPhase("Waiting for another set-up that uses the same cache");
  const probe = () => probeTensorFlow(node.program, env);
  await exclusively(cache, { onWait }, (own) =>
    installRuntime({
      ...{ ...settings, ...foldersOf(env, home), cache, probe },
      inherit: [...inherit, ...own],
    }),
  );
  return true;
}
