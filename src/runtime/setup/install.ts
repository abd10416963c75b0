import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { environmentError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import type { Probe } from "../doctor/probe.js";
import { checkLibraries } from "../gpu/libraries.js";
import { dependencies, gpuProbeFile } from "../paths.js";
import {
  type BindingBuild,
  bindingIsInPlace,
  bindingIsKept,
  buildBinding,
  keptGpuProbe,
  placeBinding,
} from "./binding.js";
import { downloadWheel, pipIsThere } from "./download.js";
import { isLinkTo, linkInPlace } from "./files.js";
import { linkedRuntime } from "./installed.js";
import { decideKind, isWantedKind } from "./kind.js";
import {
  addToTree,
  linkLibraries,
  treeDirectory,
  treeIsComplete,
  wheelIsUnpacked,
} from "./tree.js";
import { unpack } from "./unpack.js";
import { memberTarget, type RuntimeKind, WHEELS, type Wheel } from "./wheels.js";

/** Where a set-up takes place, and who is told about it. */
export interface InstallSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The package tfjs-node-gpu. */
  readonly packageFolder: string;
  /** Where the link to TensorFlow and what is compiled go (nativeFolder.ts); into the package where left out. */
  readonly nativeFolder?: string;
  /** The cache folder (cachePaths.ts). */
  readonly cache: string;
  /** The running Node.js: process.execPath, process.platform, process.arch. */
  readonly node: { readonly program: string; readonly platform: string; readonly arch: string };
  /** File descriptors that every program started here keeps open as long as it lives. */
  readonly inherit: readonly number[];
  /** Loads TensorFlow to see that it works (probe.ts). */
  readonly probe: () => Promise<Probe>;
  /** Root of the file system where signs of a GPU are looked for, if not this machine's. */
  readonly root?: string;
  /** Told what is being done, in a few words. */
  readonly onPhase: (text: string) => void;
  /** Told while something is downloaded, in bytes. */
  readonly onBytes: (done: number, total: number) => void;
}

/** The set-up of one package in one cache. */
interface Installation extends InstallSettings {
  readonly nativeFolder: string;
  readonly options: BindingBuild["options"];
  /** Scratch folder, this machine's own; emptied before and after. */
  readonly scratch: string;
}

/**
 * Whether nothing is left to do: library, links and binding are there, whole, and of the kind this machine
 * is to have. Only looks; fast.
 */
export function runtimeIsReady(
  packageFolder: string,
  env: InstallSettings["env"],
  nativeFolder = packageFolder,
): boolean {
  const linked = linkedRuntime(nativeFolder);
  if (linked === undefined) return false;
  const { tree, kind, cache } = linked;
  const isThere =
    treeIsComplete(tree, kind) && bindingIsInPlace({ cache, packageFolder, nativeFolder });
  return isThere && isWantedKind(kind, env, { probe: gpuProbeFile(nativeFolder) });
}

async function fetchWheel(installation: Installation, tree: string, wheel: Wheel): Promise<void> {
  const { scratch, options, onPhase, onBytes } = installation;
  const folder = join(scratch, wheel.project);
  const name = `${wheel.project} ${wheel.version}`;
  onPhase(`Downloading ${name} (${wheel.megabytes} MB)`);
  makeFolder(folder);
  const archive = await downloadWheel(wheel, folder, options, (bytes) =>
    onBytes(bytes, wheel.megabytes * 1e6),
  );
  onPhase(`Unpacking ${name}`);
  const unpacked = join(folder, "unpacked");
  const files = await unpack(archive, unpacked, memberTarget);
  await addToTree(tree, wheel, unpacked, files);
  await rm(folder, { recursive: true });
}

async function completeTree(installation: Installation, kind: RuntimeKind): Promise<string> {
  const tree = treeDirectory(installation.cache, kind);
  for (const wheel of WHEELS[kind]) {
    if (!wheelIsUnpacked(tree, wheel)) await fetchWheel(installation, tree, wheel);
  }
  await linkLibraries(tree, kind);
  return tree;
}

/** What is compiled, in a folder of its own. */
const buildOf = (
  { packageFolder, scratch, node, options }: Installation,
  tree: string,
  name: string,
): BindingBuild => {
  const folder = join(scratch, name);
  return { packageFolder, tree, folder, nodeProgram: node.program, options };
};

async function compileBinding(installation: Installation, tree: string): Promise<void> {
  installation.onPhase("Compiling the binding to TensorFlow (about 20 s)");
  await buildBinding(buildOf(installation, tree, "binding"), installation.cache);
}

/**
 * Proves that TensorFlow will find every library that a GPU takes, on any machine, with a GPU or without.
 * @throws environmentError that names those which are missing
 */
function proveLibraries({ env, onPhase }: Installation, probe: string, tree: string): void {
  onPhase("Opening the libraries that a GPU takes");
  const { missing } = checkLibraries(env, probe, tree);
  if (missing.length === 0) return;
  throw environmentError(
    `TensorFlow could not use a GPU with this set-up: ${missing.join("; ")}.`,
    `If LD_LIBRARY_PATH is set, unset it. Else remove ${tree}, then: pefd setup`,
  );
}

/** Puts the kept binding where it is loaded from, and loads it. */
async function tryBinding(installation: Installation): Promise<Probe> {
  await placeBinding(installation);
  return installation.probe();
}

/** A kept binding that does not load, whatever the reason, is compiled again. */
async function completeBinding(installation: Installation, tree: string): Promise<void> {
  const isKept = bindingIsKept(installation.cache, installation.packageFolder);
  if (!isKept) await compileBinding(installation, tree);
  let found = await tryBinding(installation);
  if (found.version === undefined && isKept) {
    await compileBinding(installation, tree);
    found = await tryBinding(installation);
  }
  if (found.version !== undefined) return;
  throw environmentError(
    `TensorFlow was installed, but does not load on this machine: ${found.reason}`,
    "It needs a 64-bit x86 Linux with glibc 2.27 or newer.",
  );
}

async function installFromWheels(
  installation: Installation,
  kind: RuntimeKind,
  probe: string,
): Promise<void> {
  const tree = await completeTree(installation, kind);
  if (kind === "gpu") proveLibraries(installation, probe, tree);
  const link = dependencies(installation.nativeFolder);
  if (!isLinkTo(link, tree)) await linkInPlace(tree, link);
  await completeBinding(installation, tree);
}

function refuseForeignMachine({ platform, arch }: InstallSettings["node"]): void {
  if (platform === "linux" && arch === "x64") return;
  throw environmentError(
    `pefd is for Linux on x86-64; this is ${platform} ${arch}.`,
    "Use a Linux x86-64 machine, or a container of one.",
  );
}

/** pip is needed where something has to be downloaded. */
async function requirePip({ cache, options }: Installation, kind: RuntimeKind): Promise<void> {
  const isThere = treeIsComplete(treeDirectory(cache, kind), kind);
  if (isThere || (await pipIsThere(options))) return;
  throw environmentError(
    "TensorFlow comes by pip, and Python 3 with pip did not answer (python3 -m pip --version).",
    "On Debian or Ubuntu: sudo apt install python3-pip, then: pefd setup",
  );
}

/** The kind is decided, and with it whether a GPU can be used, before anything is downloaded. */
async function install(installation: Installation): Promise<void> {
  const { env, cache, root, onPhase } = installation;
  const probe = await keptGpuProbe(buildOf(installation, "", "probe"), cache);
  const places = { probe, ...(root !== undefined && { root }) };
  const kind = decideKind(env, places, onPhase);
  await requirePip(installation, kind);
  await installFromWheels(installation, kind, probe);
}

/**
 * Brings libtensorflow and the binding to it, or what is missing of them. Whatever an interrupted run left
 * behind is completed or replaced. Only one may run at a time on a machine for one cache.
 * @throws environmentError naming what is missing and what to type
 */
export async function installRuntime(settings: InstallSettings): Promise<void> {
  const { env, inherit, cache, node, packageFolder, nativeFolder = packageFolder } = settings;
  refuseForeignMachine(node);
  const scratch = join(cache, "scratch", hostname());
  const installation = { ...settings, nativeFolder, scratch, options: { env, inherit } };
  await rm(scratch, { recursive: true, force: true });
  try {
    await install(installation);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
