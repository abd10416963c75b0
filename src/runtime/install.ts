import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { environmentError } from "../common/errors.js";
import { makeFolder } from "../common/makeFolder.js";
import { bindingIsInPlace, bindingIsKept, buildBinding, placeBinding } from "./binding.js";
import type { CommandOptions } from "./command.js";
import { downloadWheel, pipIsThere } from "./download.js";
import { isLinkTo, linkInPlace } from "./files.js";
import { linkedRuntime } from "./installed.js";
import { isWantedKind, wantedKind } from "./kind.js";
import { ownInstall, ownInstallIsDone } from "./ownInstall.js";
import { dependencies } from "./paths.js";
import type { Probe } from "./probe.js";
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
  /** Told what is being done, in a few words. */
  readonly onPhase: (text: string) => void;
  /** Told while something is downloaded, in bytes. */
  readonly onBytes: (done: number, total: number) => void;
}

/** The set-up of one package in one cache. */
interface Installation extends InstallSettings {
  readonly options: CommandOptions;
  /** Scratch folder, this machine's own; emptied before and after. */
  readonly scratch: string;
}

/**
 * Whether nothing is left to do: library, links and binding are there, whole, and of the kind this machine
 * is to have. Only looks; fast.
 */
export function runtimeIsReady(packageFolder: string, env: InstallSettings["env"]): boolean {
  const linked = linkedRuntime(packageFolder);
  if (linked === undefined) return ownInstallIsDone(packageFolder);
  const { tree, kind, cache } = linked;
  return (
    treeIsComplete(tree, kind) && bindingIsInPlace(cache, packageFolder) && isWantedKind(kind, env)
  );
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

async function compileBinding(installation: Installation, tree: string): Promise<void> {
  const { cache, packageFolder, scratch, node, options, onPhase } = installation;
  onPhase("Compiling the binding to TensorFlow (about 20 s)");
  const folder = join(scratch, "binding");
  const build = { packageFolder, tree, folder, nodeProgram: node.program, options };
  await buildBinding(build, cache);
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

async function installFromWheels(installation: Installation): Promise<void> {
  const { packageFolder, scratch, env } = installation;
  await rm(scratch, { recursive: true, force: true });
  try {
    const tree = await completeTree(installation, wantedKind(env));
    const link = dependencies(packageFolder);
    if (!isLinkTo(link, tree)) await linkInPlace(tree, link);
    await completeBinding(installation, tree);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether something has to be downloaded first. */
function isDownloadNeeded({ cache, env }: Installation): boolean {
  const kind = wantedKind(env);
  return !treeIsComplete(treeDirectory(cache, kind), kind);
}

/** Why the wheels cannot serve this machine, with what to do about it; undefined where they can. */
async function obstacle(
  installation: Installation,
): Promise<[why: string, hint: string] | undefined> {
  const { node, options } = installation;
  if (node.platform !== "linux" || node.arch !== "x64") {
    return [
      `pefd is tested on Linux x86-64 and this is ${node.platform} ${node.arch}`,
      "Use a Linux x86-64 machine, then: npm run setup",
    ];
  }
  if (!isDownloadNeeded(installation) || (await pipIsThere(options))) return undefined;
  return [
    "Python 3 with pip did not answer (python3 -m pip --version)",
    "On Debian or Ubuntu: sudo apt install python3-pip, then: npm run setup",
  ];
}

/**
 * Brings libtensorflow and the binding to it, or what is missing of them. Whatever an interrupted run left
 * behind is completed or replaced. Only one may run at a time on a machine for one cache.
 * @returns false where only the package's own install script could be used, true otherwise
 * @throws environmentError naming what is missing and what to type
 */
export async function installRuntime(settings: InstallSettings): Promise<boolean> {
  const { env, inherit, cache, packageFolder, node } = settings;
  const scratch = join(cache, "scratch", hostname());
  const installation = { ...settings, scratch, options: { env, inherit } };
  const trouble = await obstacle(installation);
  if (trouble === undefined) {
    await installFromWheels(installation);
    return true;
  }
  settings.onPhase(`${trouble[0]}: trying the package's own install script`);
  await ownInstall(packageFolder, node.program, installation.options, ...trouble);
  return false;
}
