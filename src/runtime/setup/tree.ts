import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../common/files/atomicFile.js";
import { dependencies } from "../paths.js";
import { fileSize, isLinkTo, linkInPlace, moveIntoPlace, type UnpackedFile } from "./files.js";
import { RUNTIME_KINDS, type RuntimeKind, TENSORFLOW_VERSION, WHEELS, type Wheel } from "./wheels.js";

/** The runtime that a native folder (nativeFolder.ts) is linked to. */
export interface LinkedRuntime {
  readonly tree: string;
  readonly kind: RuntimeKind;
  /** The cache folder it lies in: not necessarily the one in use now. */
  readonly cache: string;
}

/** The runtime, complete or not, that a native folder is linked to; undefined without such a link. */
export function linkedRuntime(nativeFolder: string): LinkedRuntime | undefined {
  const link = dependencies(nativeFolder);
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const tree = readlinkSync(link);
  const kind = RUNTIME_KINDS.find((known) => basename(treeDirectory("", known)) === basename(tree));
  return kind && { tree, kind, cache: dirname(dirname(tree)) };
}

/** Symbolic links of a runtime, as paths in its folder, with what each stands for. */
type Links = Readonly<Record<string, string>>;

/** Names under which the binding is linked, and the files of the wheel they stand for. */
const BINDING_LINKS: Links = {
  "lib/libtensorflow.so": "libtensorflow_cc.so.2",
  "lib/libtensorflow_framework.so": "libtensorflow_framework.so.2",
};

/** libtensorflow_framework's RUNPATH lacks cusolver's folder: without these links TensorFlow uses no GPU at all. */
const CUDA_LINKS: Links = { "nvidia/cusparse/lib/libcusolver.so.11": "../../cusolver/lib/libcusolver.so.11" };

const LINKS: Readonly<Record<RuntimeKind, Links>> = { cpu: BINDING_LINKS, gpu: { ...BINDING_LINKS, ...CUDA_LINKS } };

/** Record of an unpacked wheel; written last, so it marks completeness. */
type Manifest = { readonly sha256: string; readonly files: readonly UnpackedFile[] };

/** A runtime's folder in the cache: lib/, include/ and nvidia/PACKAGE/lib side by side, as libraries look for CUDA. */
export const treeDirectory = (cache: string, kind: RuntimeKind): string =>
  join(cache, "runtime", `tensorflow-${TENSORFLOW_VERSION}-${kind}`);

const manifestFile = (tree: string, wheel: Wheel): string => join(tree, ".wheels", `${wheel.project}.json`);

function readManifest(tree: string, wheel: Wheel): Manifest | undefined {
  const file = manifestFile(tree, wheel);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/** Files of a wheel that are missing or truncated in the tree, or the whole wheel. */
function missingOf(tree: string, wheel: Wheel): string[] {
  const manifest = readManifest(tree, wheel);
  if (manifest?.sha256 !== wheel.sha256 || !Array.isArray(manifest.files)) {
    return [`${wheel.project} ${wheel.version}`];
  }
  const broken = manifest.files.filter(({ path, bytes }) => fileSize(join(tree, path)) !== bytes);
  return broken.map(({ path }) => path);
}

/** Whether all that is needed of a wheel lies in the tree, each file of its full size. */
export const wheelIsUnpacked = (tree: string, wheel: Wheel): boolean => missingOf(tree, wheel).length === 0;

/** Moves what was unpacked from a wheel into the tree, and records it. */
export async function addToTree(
  tree: string,
  wheel: Wheel,
  unpackedFolder: string,
  files: readonly UnpackedFile[],
): Promise<void> {
  for (const { path } of files) await moveIntoPlace(join(unpackedFolder, path), join(tree, path));
  const file = manifestFile(tree, wheel);
  const manifest: Manifest = { sha256: wheel.sha256, files };
  makeFolder(dirname(file));
  await writeFile(`${file}.new`, JSON.stringify(manifest));
  await rename(`${file}.new`, file);
}

/** Lays the links by which the binding finds the libraries, and the libraries each other. */
export async function linkLibraries(tree: string, kind: RuntimeKind): Promise<void> {
  for (const [path, target] of Object.entries(LINKS[kind])) await linkInPlace(target, join(tree, path));
}

/** Every file of a runtime as setup wrote it down; none for a wheel that is not there. */
export const recordedFiles = (tree: string, kind: RuntimeKind): UnpackedFile[] =>
  WHEELS[kind].flatMap((wheel) => readManifest(tree, wheel)?.files ?? []);

/** Missing parts of a runtime: files of its wheels, whole wheels, links. */
export function missingFiles(tree: string, kind: RuntimeKind): string[] {
  const links = Object.entries(LINKS[kind]).filter(([path, target]) => !isLinkTo(join(tree, path), target));
  const files = WHEELS[kind].flatMap((wheel) => missingOf(tree, wheel));
  return [...files, ...links.map(([path]) => path)];
}

/** Whether a runtime is all there: every file of its wheels, and every link to something that is there. */
export const treeIsComplete = (tree: string, kind: RuntimeKind): boolean => missingFiles(tree, kind).length === 0;
