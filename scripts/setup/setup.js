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

/** What set-up and doctor know of the native library; compiled, so only there once pefd is. */
async function runtime() {
  const { installRuntime, runtimeIsReady } = await compiled("runtime/setup/install.js");
  const { packageDirectory } = await compiled("runtime/paths.js");
  const packageFolder = packageDirectory();
  const isReady = () => runtimeIsReady(packageFolder, process.env);
  return { installRuntime, isReady, packageFolder };
}

async function isReady() {
  if (!packagesAreInstalled(ROOT) || !isBuilt(ROOT, PRODUCT)) return false;
  return (await runtime()).isReady();
}

async function install({ installRuntime, packageFolder }, cache, progress, inherit) {
  const { probeTensorFlow } = await compiled("runtime/doctor/probe.js");
  const node = { program: process.execPath, platform: process.platform, arch: process.arch };
  const probe = () => probeTensorFlow(process.execPath, process.env);
  const settings = { env: process.env, packageFolder, cache, node, inherit, probe, ...progress };
  if (await installRuntime(settings)) return;
  progress.onPhase("TensorFlow came by the package's own install script; this is not tested.");
}

async function setUpRuntime(progress, inherited) {
  const tools = await runtime();
  if (tools.isReady()) return;
  const { cacheDirectory } = await compiled("common/cachePaths.js");
  const cache = cacheDirectory(process.env, homedir());
  const wait = () => progress.onPhase("Waiting for another set-up that uses the same cache");
  await exclusively(cache, wait, (own) => install(tools, cache, progress, [...inherited, ...own]));
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
