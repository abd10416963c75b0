import { existsSync, readdirSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "../../common/cachePaths.js";
import { environmentError, inputError, type PefdError } from "../../common/errors.js";
import { exclusively } from "../../common/exclusive.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import { type CommandOptions, lastLine, runCommand } from "../command.js";
import { type Probe, probeTensorFlow } from "../doctor/probe.js";
import { gpuOutlook, type Outlook } from "../gpu/outlook.js";
import { checkLibraries } from "../gpu/probeProgram.js";
import { type SurveyPlaces, surveyGpus } from "../gpu/survey.js";
import type { Environment } from "../gpu/types.js";
import { nativeFolderIn } from "../nativeFolder.js";
import { dependencies, gpuProbeFile, packageDirectory } from "../paths.js";
import {
  type BindingBuild,
  bindingIsInPlace,
  bindingIsKept,
  buildBinding,
  keptGpuProbe,
  placeBinding,
} from "./binding.js";
import { isLinkTo, linkInPlace, unpack } from "./files.js";
import { addToTree, linkedRuntime, linkLibraries, treeDirectory, treeIsComplete, wheelIsUnpacked } from "./tree.js";
import { memberTarget, PYTHON_TAG, RUNTIME_KINDS, type RuntimeKind, WHEELS, type Wheel } from "./wheels.js";

/** Folders of the cache that hold nothing but what setup downloaded, and what was compiled from it. */
const OWN = ["runtime", "scratch", "xla"] as const;

/** Removes setup's folders from a cache, for all installations on it; data sets stay. @returns the folders' names */
export async function removeSetUp(cache: string): Promise<readonly string[]> {
  const found = OWN.filter((name) => existsSync(join(cache, name)));
  await exclusively(cache, {}, async () => {
    for (const name of found) await rm(join(cache, name), { recursive: true, force: true });
  });
  return found;
}

/** pip as a client: asks nothing, and does as much in a virtual environment as outside of one. */
const PIP_SETTINGS = { PIP_NO_INPUT: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_REQUIRE_VIRTUALENV: "false" };

/** How often the growth of a download is shown, in milliseconds. */
const WATCH_INTERVAL = 500;

/** Whether Python 3 with pip can be called as `python3 -m pip`. */
async function pipIsThere(options: CommandOptions): Promise<boolean> {
  return (await runCommand("python3", ["-m", "pip", "--version"], options)).code === 0;
}

function downloadArguments(wheel: Wheel, requirements: string, folder: string): string[] {
  const { version, implementation, abi } = PYTHON_TAG;
  const python = `--python-version ${version} --implementation ${implementation} --abi ${abi}`;
  const flags = `--no-deps --only-binary=:all: --no-cache-dir --quiet ${python} --platform ${wheel.platform}`;
  return [...`-m pip download ${flags} --require-hashes`.split(" "), "-r", requirements, "-d", folder];
}

/** Bytes of all files below a folder; files that vanish meanwhile count as nothing. */
function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = files.map((file) => {
    const status = statSync(join(folder, file), { throwIfNoEntry: false });
    return status?.isFile() ? status.size : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

function watchGrowth(folder: string, onBytes: (bytes: number) => void): () => void {
  const timer = setInterval(() => {
    try {
      onBytes(folderBytes(folder));
    } catch {
      // A folder of pip's that went away while it was read: the next look will do.
    }
  }, WATCH_INTERVAL);
  return () => clearInterval(timer);
}

/** pip's message on a full disk; other failures are network or index problems. */
const FULL_DISK = /No space left on device|Disk quota exceeded/;

function downloadError(wheel: Wheel, stderr: string): PefdError {
  const name = `${wheel.project} ${wheel.version}`;
  const reason = stderr.match(/^ERROR: (?!Exception).*$/gm)?.[0] ?? lastLine(stderr);
  if (/do not match the hashes/i.test(stderr)) {
    return environmentError(
      `The package index served a file for ${name} with another hash than the pinned one; it was not used.`,
      "Check pip's index (pip config list), then: pefd setup",
    );
  }
  const hint = FULL_DISK.test(stderr)
    ? "Free some space, or set PEFD_CACHE to a folder with more, then: pefd setup"
    : "Check the network (HTTPS_PROXY) and pip's index (pip config list), then: pefd setup";
  return environmentError(`${name} (${wheel.megabytes} MB) could not be downloaded: ${reason}`, hint);
}

/** Downloads a wheel into an empty folder of ours. @throws environmentError where that fails or its hash differs */
async function downloadWheel(
  wheel: Wheel,
  folder: string,
  options: CommandOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const requirements = join(folder, "requirements.txt");
  const temporary = join(folder, "pip");
  const target = join(folder, "wheel");
  makeFolder(temporary);
  await writeFile(requirements, `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
  const env = { ...options.env, ...PIP_SETTINGS, TMPDIR: temporary };
  const unwatch = watchGrowth(folder, onBytes);
  const result = await runCommand("python3", downloadArguments(wheel, requirements, target), { ...options, env });
  unwatch();
  const name = result.code === 0 ? readdirSync(target)[0] : undefined;
  if (name === undefined) throw downloadError(wheel, result.stderr);
  return join(target, name);
}

/** The kind of runtime that PEFD_RUNTIME asks for, if it is set. @throws inputError for any other word */
function requestedKind(env: Environment): RuntimeKind | undefined {
  const word = env.PEFD_RUNTIME;
  if (!word) return undefined;
  const kind = RUNTIME_KINDS.find((known) => known === word);
  if (kind !== undefined) return kind;
  throw inputError(
    `PEFD_RUNTIME is ${word}; it must be ${RUNTIME_KINDS.join(" or ")}.`,
    "Unset it to detect the GPU automatically.",
  );
}

const outlookHere = (env: Environment, places?: SurveyPlaces): Outlook => gpuOutlook(surveyGpus(env, places), env);

/** Caveats of a requested or used GPU. */
function noticeOf(outlook: Outlook, requested: RuntimeKind | undefined): string | undefined {
  if (outlook.state === "fits") return outlook.note && `${outlook.gpu.name}: ${outlook.note}`;
  if (outlook.state === "none") return undefined;
  const end = requested === "gpu" ? "PEFD_RUNTIME=gpu installs the GPU build anyway" : outlook.hint;
  return `warning: No GPU is usable: ${outlook.why}. ${end}`;
}

/**
 * The kind of runtime that is asked for, else by the machine's GPU.
 * @param say called with notes on the GPU
 * @throws environmentError for a GPU that cannot be used, unless PEFD_RUNTIME says what to do about it
 */
function decideKind(env: Environment, places: SurveyPlaces, say: (text: string) => void): RuntimeKind {
  const requested = requestedKind(env);
  if (requested === "cpu") return "cpu";
  const outlook = outlookHere(env, places);
  if (outlook.state === "unfit" && requested === undefined) {
    const anyway = "; to install the GPU build anyway: PEFD_RUNTIME=gpu pefd setup";
    throw environmentError(`The GPU cannot be used: ${outlook.why}.`, `${outlook.hint}${anyway}`);
  }
  const notice = noticeOf(outlook, requested);
  if (notice !== undefined) say(notice);
  return requested ?? (outlook.state === "fits" ? "gpu" : "cpu");
}

/** Whether an installed kind will do; a GPU's also serves a machine whose GPU is gone, or cannot be used. */
function isWantedKind(kind: RuntimeKind, env: Environment, places?: SurveyPlaces): boolean {
  const requested = requestedKind(env);
  if (requested !== undefined) return kind === requested;
  return kind === "gpu" || outlookHere(env, places).state !== "fits";
}

export interface InstallSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The package tfjs-node-gpu. */
  readonly packageFolder: string;
  /** Where the link to TensorFlow and what is compiled go (nativeFolder.ts); into the package by default. */
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
  /** Receives what is being done, in a few words. */
  readonly onPhase: (text: string) => void;
  /** Receives the progress of a download, in bytes. */
  readonly onBytes: (done: number, total: number) => void;
}

interface Installation extends InstallSettings {
  readonly nativeFolder: string;
  readonly options: BindingBuild["options"];
  /** Scratch folder, this machine's own; emptied before and after. */
  readonly scratch: string;
}

/** Whether library, links and binding are there, whole, and of the kind this machine is to have. Only looks; fast. */
export function runtimeIsReady(
  packageFolder: string,
  env: InstallSettings["env"],
  nativeFolder = packageFolder,
): boolean {
  const linked = linkedRuntime(nativeFolder);
  if (linked === undefined) return false;
  const { tree, kind, cache } = linked;
  const isThere = treeIsComplete(tree, kind) && bindingIsInPlace({ cache, packageFolder, nativeFolder });
  return isThere && isWantedKind(kind, env, { probe: gpuProbeFile(nativeFolder) });
}

async function fetchWheel(installation: Installation, tree: string, wheel: Wheel): Promise<void> {
  const { scratch, options, onPhase, onBytes } = installation;
  const folder = join(scratch, wheel.project);
  const name = `${wheel.project} ${wheel.version}`;
  onPhase(`Downloading ${name} (${wheel.megabytes} MB)`);
  makeFolder(folder);
  const archive = await downloadWheel(wheel, folder, options, (bytes) => onBytes(bytes, wheel.megabytes * 1e6));
  onPhase(`Unpacking ${name}`);
  const unpacked = join(folder, "unpacked");
  const files = await unpack(archive, unpacked, memberTarget);
  await addToTree(tree, wheel, unpacked, files);
  await rm(folder, { recursive: true });
}

async function completeTree(installation: Installation, kind: RuntimeKind): Promise<string> {
  const tree = treeDirectory(installation.cache, kind);
  for (const wheel of WHEELS[kind]) if (!wheelIsUnpacked(tree, wheel)) await fetchWheel(installation, tree, wheel);
  await linkLibraries(tree, kind);
  return tree;
}

/** The source tree to compile, in a temporary folder. */
const buildOf = ({ packageFolder, scratch, node, options }: Installation, tree: string, name: string): BindingBuild => {
  const folder = join(scratch, name);
  return { packageFolder, tree, folder, nodeProgram: node.program, options };
};

async function compileBinding(installation: Installation, tree: string): Promise<void> {
  installation.onPhase("Compiling the TensorFlow binding (about 20 s)");
  await buildBinding(buildOf(installation, tree, "binding"), installation.cache);
}

/** Proves that TensorFlow will find every library that a GPU takes. @throws environmentError that names missing ones */
function proveLibraries({ env, onPhase }: Installation, probe: string, tree: string): void {
  onPhase("Loading the GPU libraries");
  const { missing } = checkLibraries(env, probe, tree);
  if (missing.length === 0) return;
  throw environmentError(
    `TensorFlow could not use a GPU with this installation: ${missing.join("; ")}.`,
    `If LD_LIBRARY_PATH is set, unset it. Otherwise remove ${tree}, then: pefd setup`,
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
    "It needs 64-bit x86 Linux with glibc 2.27 or newer.",
  );
}

async function installFromWheels(installation: Installation, kind: RuntimeKind, probe: string): Promise<void> {
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
    "Use a Linux x86-64 machine or container.",
  );
}

/** pip is needed where something has to be downloaded. */
async function requirePip({ cache, options }: Installation, kind: RuntimeKind): Promise<void> {
  const isThere = treeIsComplete(treeDirectory(cache, kind), kind);
  if (isThere || (await pipIsThere(options))) return;
  throw environmentError(
    "TensorFlow is installed with pip, but Python 3 with pip did not run (python3 -m pip --version).",
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
 * Completes libtensorflow and the binding to it; only one may run at a time on a machine for one cache.
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

export interface SetUp extends Pick<InstallSettings, "env" | "node" | "onPhase" | "onBytes"> {
  /** The user's home folder (os.homedir()). */
  readonly home: string;
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
 * Downloads and compiles what is missing, after others that set up the same cache.
 * @returns whether anything was missing
 * @throws environmentError naming what is missing and what to type
 */
export async function setUp({ home, inherit = [], ...settings }: SetUp): Promise<boolean> {
  const { env, node, onPhase } = settings;
  if (isSetUp(env, home)) return false;
  const cache = cacheDirectory(env, home);
  const onWait = () => onPhase("Waiting for another setup with the same cache");
  const probe = () => probeTensorFlow(node.program, env);
  await exclusively(cache, { onWait }, (own) =>
    installRuntime({ ...settings, ...foldersOf(env, home), cache, probe, inherit: [...inherit, ...own] }),
  );
  return true;
}
