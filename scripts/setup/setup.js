import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, isBuilt, PRODUCT } from "./build.js";
import { exclusively } from "./lock.js";
import { installPackages, packagesAreInstalled } from "./packages.js";
import { Problem } from "./problem.js";
import { progressOn } from "./progress.js";

/** The project's folder. */
export const ROOT = resolve(fileURLToPath(import.meta.url), "../../..");

const OLDEST_NODE = 20;

const compiled = (path) => import(pathToFileURL(join(ROOT, "dist", path)).href);

const isReady = async () => {
  if (!packagesAreInstalled(ROOT) || !isBuilt(ROOT, PRODUCT)) return false;
  const { runtimeIsReady } = await compiled("runtime/install.js");
  return runtimeIsReady({ env: process.env });
};

async function setUpRuntime(progress, inherited) {
  const { installRuntime, runtimeIsReady } = await compiled("runtime/install.js");
  const { cacheDirectory } = await compiled("common/cachePaths.js");
  const cache = cacheDirectory(process.env, homedir());
  const wait = () => progress.onPhase("Waiting for another set-up that uses the same cache");
  await exclusively(cache, wait, async (descriptors) => {
    if (await runtimeIsReady({ env: process.env })) return;
    const node = { program: process.execPath, platform: process.platform, arch: process.arch };
    const inherit = [...inherited, ...descriptors];
    await installRuntime({ env: process.env, cache, node, inherit, ...progress });
  });
}

async function completeSetup(progress, inherited) {
  if (!packagesAreInstalled(ROOT)) {
    progress.onPhase("Installing the packages of package-lock.json");
    await installPackages(ROOT, inherited);
  }
  if (!isBuilt(ROOT, PRODUCT)) {
    progress.onPhase("Compiling pefd");
    await build(ROOT, PRODUCT, inherited);
  }
  await setUpRuntime(progress, inherited);
}

/**
 * Brings everything that pefd needs, or what is missing of it: packages, the compiled project, libtensorflow
 * and the binding to it.
 * @returns {Promise<boolean>} whether anything had to be done
 * @throws {Problem} or an error with an exit code, for people
 */
export async function setup() {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new Problem(
      `pefd needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}.`,
      "Install a newer Node.js.",
    );
  }
  if (await isReady()) return false;
  const progress = progressOn(process.stderr);
  const wait = () => progress.onPhase("Waiting for another set-up of this folder");
  try {
    await exclusively(ROOT, wait, (descriptors) => completeSetup(progress, descriptors));
  } finally {
    progress.clear();
  }
  return true;
}
