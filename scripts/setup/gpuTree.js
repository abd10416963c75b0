import { cpSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { exclusively } from "./lock.js";

/**
 * Installs TensorFlow's GPU build into the cache folder (3.4 GB, once), for tests, through a temporary copy of the
 * package. The project, which must be set up, keeps its own build.
 * @param {string} root the project's folder
 * @param progress as of progressOn
 * @returns {Promise<string>} the build's folder
 */
export async function bringGpuTree(root, progress) {
  const compiled = (path) => import(pathToFileURL(join(root, "dist", path)).href);
  const { installRuntime } = await compiled("runtime/setup/setUp.js");
  const { dependencies, packageDirectory } = await compiled("runtime/paths.js");
  const { cacheDirectory } = await compiled("common/cachePaths.js");
  const { TENSORFLOW_VERSION } = await compiled("runtime/setup/wheels.js");
  const original = packageDirectory();
  const cache = cacheDirectory(process.env, homedir());
  const packageFolder = mkdtempSync(join(root, "node_modules/.gpu-tree-"));
  try {
    const filter = (source) => source !== dependencies(original);
    cpSync(original, packageFolder, { recursive: true, filter });
    const settings = {
      env: { ...process.env, PEFD_RUNTIME: "gpu" },
      packageFolder,
      cache,
      node: { program: process.execPath, platform: process.platform, arch: process.arch },
      // The copy is not what this project loads; the tests that follow load it.
      probe: async () => ({ version: TENSORFLOW_VERSION, usesGpu: false, reason: "" }),
      ...progress,
    };
    const wait = () => progress.onPhase("Waiting for another setup with the same cache");
    await exclusively(cache, wait, (inherit) => installRuntime({ ...settings, inherit }));
    return readlinkSync(dependencies(packageFolder));
  } finally {
    rmSync(packageFolder, { recursive: true, force: true });
  }
}
