import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileSize, isLinkTo, linkInPlace, moveIntoPlace } from "./files.js";
import type { UnpackedFile } from "./unpack.js";
import { type RuntimeKind, TENSORFLOW_VERSION, WHEELS, type Wheel } from "./wheels.js";

/** Names under which the binding is linked, and the files of the wheel they stand for. */
const LIBRARY_LINKS: Readonly<Record<string, string>> = {
  "libtensorflow.so": "libtensorflow_cc.so.2",
  "libtensorflow_framework.so": "libtensorflow_framework.so.2",
};

/** What was unpacked from one wheel; written last, so that it says that all of it lies there. */
interface Manifest {
  readonly sha256: string;
  readonly files: readonly UnpackedFile[];
}

/**
 * The folder in the cache that holds one runtime: lib/, include/ and, for a GPU, nvidia/PACKAGE/lib,
 * side by side because the libraries look for CUDA at ../nvidia/PACKAGE/lib.
 */
export const treeDirectory = (cache: string, kind: RuntimeKind): string =>
  join(cache, "runtime", `tensorflow-${TENSORFLOW_VERSION}-${kind}`);

const manifestFile = (tree: string, wheel: Wheel): string =>
  join(tree, ".wheels", `${wheel.project}.json`);

function readManifest(tree: string, wheel: Wheel): Manifest | undefined {
  const file = manifestFile(tree, wheel);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/** Whether all that is needed of a wheel lies in the tree, each file of its full size. */
export function wheelIsUnpacked(tree: string, wheel: Wheel): boolean {
  const manifest = readManifest(tree, wheel);
  if (manifest?.sha256 !== wheel.sha256 || !Array.isArray(manifest.files)) return false;
  return manifest.files.every(({ path, bytes }) => fileSize(join(tree, path)) === bytes);
}

/** Moves what was unpacked from a wheel into the tree, and records it. */
export async function addToTree(
  tree: string,
  wheel: Wheel,
  unpackedFolder: string,
  files: readonly UnpackedFile[],
): Promise<void> {
  for (const { path } of files) {
    await moveIntoPlace(join(unpackedFolder, path), join(tree, path));
  }
  const file = manifestFile(tree, wheel);
  const manifest: Manifest = { sha256: wheel.sha256, files };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(manifest));
  await rename(`${file}.new`, file);
}

/** Whether the libraries can be found under the names the binding is linked with. */
const linksAreThere = (tree: string): boolean =>
  Object.entries(LIBRARY_LINKS).every(([name, file]) => isLinkTo(join(tree, "lib", name), file));

/** Gives the libraries the names the binding is linked with. */
export async function linkLibraries(tree: string): Promise<void> {
  for (const [name, file] of Object.entries(LIBRARY_LINKS)) {
    await linkInPlace(file, join(tree, "lib", name));
  }
}

/** Whether a runtime is all there. */
export const treeIsComplete = (tree: string, kind: RuntimeKind): boolean =>
  WHEELS[kind].every((wheel) => wheelIsUnpacked(tree, wheel)) && linksAreThere(tree);
