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
import { packageInstall, packageInstallIsDone } from "./packageInstall.js";
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
  /** The installed package tfjs-node-gpu. */
  readonly packageFolder: string;
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
  readonly options: BindingBuild["options"];
  /** Scratch folder, this machine's own; emptied before and after. */
  readonly scratch: string;
}

/**
 * Whether nothing is left to do: library, links and binding are there, whole, and of the kind this machine
 * is to have. Only looks; fast.
 */
export function runtimeIsReady(packageFolder: string, env: InstallSettings["env"]): boolean {
  const linked = linkedRuntime(packageFolder);
  if (linked === undefined) return packageInstallIsDone(packageFolder);
  const { tree, kind, cache } = linked;
  const isThere = treeIsComplete(tree, kind) && bindingIsInPlace(cache, packageFolder);
  return isThere && isWantedKind(kind, env, { probe: gpuProbeFile(packageFolder) });
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
    `If LD_LIBRARY_PATH is set, unset it. Else remove ${tree}, then: npm run setup`,
  );
}

/** Puts the kept binding into the package and loads it. */
async function tryBinding({ cache, packageFolder, probe }: Installation): Promise<Probe> {
  await placeBinding(cache, packageFolder);
  return probe();
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
  const link = dependencies(installation.packageFolder);
  if (!isLinkTo(link, tree)) await linkInPlace(tree, link);
  await completeBinding(installation, tree);
}

/** What stands in the way of our own way to set up, with what to do about it. */
type Obstacle = readonly [why: string, hint: string];

function foreignMachine({ platform, arch }: InstallSettings["node"]): Obstacle | undefined {
  if (platform === "linux" && arch === "x64") return undefined;
  return [
    `pefd is tested on Linux x86-64 and this is ${platform} ${arch}`,
    "Use a Linux x86-64 machine, then: npm run setup",
  ];
}

/** pip is needed where something has to be downloaded. */
async function missingPip(
  { cache, options }: Installation,
  kind: RuntimeKind,
): Promise<Obstacle | undefined> {
  const isThere = treeIsComplete(treeDirectory(cache, kind), kind);
  if (isThere || (await pipIsThere(options))) return undefined;
  return [
    "Python 3 with pip did not answer (python3 -m pip --version)",
    "On Debian or Ubuntu: sudo apt install python3-pip, then: npm run setup",
  ];
}

async function tryOwnInstall(installation: Installation, trouble: Obstacle): Promise<false> {
  const { packageFolder, node, options, onPhase } = installation;
  onPhase(`${trouble[0]}: trying the package's own install script`);
  await packageInstall(packageFolder, node.program, options, ...trouble);
  return false;
}

/** The kind is decided, and with it whether a GPU can be used, before anything is downloaded. */
async function install(installation: Installation): Promise<boolean> {
  const { env, cache, root, onPhase } = installation;
  const probe = await keptGpuProbe(buildOf(installation, "", "probe"), cache);
  const places = { probe, ...(root !== undefined && { root }) };
  const kind = decideKind(env, places, onPhase);
  const trouble = await missingPip(installation, kind);
  if (trouble !== undefined) return tryOwnInstall(installation, trouble);
  await installFromWheels(installation, kind, probe);
  return true;
}

/**
 * Brings libtensorflow and the binding to it, or what is missing of them. Whatever an interrupted run left
 * behind is completed or replaced. Only one may run at a time on a machine for one cache.
 * @returns false where only the package's own install script could be used, true otherwise
 * @throws environmentError naming what is missing and what to type
 */
export async function installRuntime(settings: InstallSettings): Promise<boolean> {
  const { env, inherit, cache, node } = settings;
  const scratch = join(cache, "scratch", hostname());
  const installation = { ...settings, scratch, options: { env, inherit } };
  const trouble = foreignMachine(node);
  if (trouble !== undefined) return tryOwnInstall(installation, trouble);
  await rm(scratch, { recursive: true, force: true });
  try {
    return await install(installation);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
