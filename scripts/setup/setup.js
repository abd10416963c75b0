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

/** What `pefd setup` does; compiled, so only there once pefd is. */
const runtime = () => compiled("runtime/setup/setUp.js");

async function isReady() {
  if (!packagesAreInstalled(ROOT) || !isBuilt(ROOT, PRODUCT)) return false;
  return (await runtime()).isSetUp(process.env, homedir());
}

async function setUpRuntime({ onPhase, onBytes }, inherit) {
  const { setUp } = await runtime();
  const node = { program: process.execPath, platform: process.platform, arch: process.arch };
  await setUp({ env: process.env, home: homedir(), node, inherit, onPhase, onBytes });
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
 * Installs everything that pefd needs and that is missing: packages, the compiled project, libtensorflow and its binding.
 * @returns {Promise<boolean>} whether anything had to be done
 * @throws {Problem} or an error with an exit code
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
  const wait = () => progress.onPhase("Waiting for another setup of this folder");
  try {
    await exclusively(ROOT, wait, (descriptors) => completeSetup(progress, descriptors));
  } finally {
    progress.clear();
  }
  return true;
}
