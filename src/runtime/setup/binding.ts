import { existsSync } from "node:fs";
import { cp, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { environmentError, type PefdError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import { type CommandOptions, lastLine, runCommand } from "../command.js";
import { areCompiled, writeCompiled } from "../compiledFiles.js";
import { bindingFile, compiledRecord, dependencies, gpuProbeFile } from "../paths.js";
import { changeAt, copyIntoPlace, sameContent } from "./files.js";
import { compileGpuProbe, compileNativeModules, nativeModuleFiles, SOURCES as OWN_SOURCES } from "./nativeModules.js";
import { bindingName } from "./wheels.js";

export interface BindingBuild {
  readonly packageFolder: string;
  /** The runtime it is linked with. */
  readonly tree: string;
  /** A folder of ours to work in. */
  readonly folder: string;
  readonly nodeProgram: string;
  readonly options: CommandOptions & Required<Pick<CommandOptions, "env">>;
}

/** Files of the package that are needed to compile its binding. */
const SOURCES = ["binding", "binding.gyp", "package.json"];

/** Our header that the binding's sources are compiled with. */
const HEADERS = ["binding/overrides.h"];

const TOOLS = ["make", "g++"];

const packageRequire = (folder: string): NodeJS.Require => createRequire(join(folder, "package.json"));

/** Compiled files, as paths in the native folder: the binding and our own modules. */
const COMPILED = [bindingFile, ...nativeModuleFiles];

export interface BindingPlaces {
  readonly cache: string;
  /** The package tfjs-node-gpu. */
  readonly packageFolder: string;
  /** Where they are loaded from (nativeFolder.ts). */
  readonly nativeFolder: string;
}

/** Where the compiled files are kept for other checkouts. */
const keptFolder = (cache: string, packageFolder: string): string =>
  join(cache, "runtime/bindings", bindingName(packageFolder));

/** Their names, as in the record of compiled files. */
const NAMES = COMPILED.map((file) => basename(file("")));

const keptRecord = (cache: string, packageFolder: string): string =>
  join(keptFolder(cache, packageFolder), basename(compiledRecord("")));

/** Each compiled file, and the record as the last: where it is kept, and where it is loaded from. */
function places({ cache, packageFolder, nativeFolder }: BindingPlaces) {
  return [...COMPILED, compiledRecord].map((file): [kept: string, used: string] => {
    const used = file(nativeFolder);
    return [join(keptFolder(cache, packageFolder), basename(used)), used];
  });
}

/** Whether everything compiled is kept in the cache, each byte as setup wrote it down. */
export const bindingIsKept = (cache: string, packageFolder: string): boolean =>
  areCompiled(keptRecord(cache, packageFolder), NAMES);

/** Whether everything that is kept lies where it is loaded from, byte for byte. */
export const bindingIsInPlace = (folders: BindingPlaces): boolean =>
  bindingIsKept(folders.cache, folders.packageFolder) &&
  places(folders).every(([kept, used]) => sameContent(kept, used));

/** Puts what is kept where it is loaded from; meanwhile there is no record, so that nobody loads half of it. */
export async function placeBinding(folders: BindingPlaces): Promise<void> {
  const record = compiledRecord(folders.nativeFolder);
  await changeAt(record, () => rm(record, { force: true }));
  for (const [kept, used] of places(folders)) await copyIntoPlace(kept, used);
}

async function requireTools(options: CommandOptions): Promise<void> {
  const answers = await Promise.all(TOOLS.map((tool) => runCommand(tool, ["--version"], options)));
  const missing = TOOLS.filter((_, i) => answers[i]?.code !== 0);
  if (missing.length === 0) return;
  throw environmentError(
    `The TensorFlow binding must be compiled, but ${missing.join(" and ")} did not run.`,
    "On Debian or Ubuntu: sudo apt install make g++, then: pefd setup",
  );
}

/** The folder of Node.js's own headers beside its program; without it they are downloaded. */
function headersArgument(nodeProgram: string): string[] {
  const prefix = dirname(dirname(nodeProgram));
  return existsSync(join(prefix, "include/node/node_api.h")) ? [`--nodedir=${prefix}`] : [];
}

/** Patterns for the reason of a failed compilation: compiler, then make, then gyp. */
const REASONS = [/^.*\berror: .*$/m, /^make(?:\[\d+\])?: (?!\*|Entering|Leaving).*$/m, /^gyp ERR! stack .*$/m];

function buildError(output: string): PefdError {
  const found = REASONS.map((reason) => output.match(reason)?.[0]);
  const reason = found.find((line) => line !== undefined) ?? lastLine(output);
  return environmentError(
    `The TensorFlow binding did not compile: ${reason.trim()}`,
    "It needs make, g++ and the Node.js headers; then: pefd setup",
  );
}

async function copySources({ packageFolder, folder, tree }: BindingBuild): Promise<void> {
  makeFolder(folder);
  for (const name of SOURCES) {
    await cp(join(packageFolder, name), join(folder, name), { recursive: true });
  }
  for (const header of HEADERS) await cp(join(OWN_SOURCES, header), join(folder, header));
  await symlink(tree, dependencies(folder));
}

async function compileBinding(build: BindingBuild): Promise<string> {
  const { packageFolder, folder, nodeProgram, options } = build;
  const builder = packageRequire(packageFolder).resolve("@mapbox/node-pre-gyp/bin/node-pre-gyp");
  const { env } = options;
  // gyp compiles in the folder's own folder `build`.
  const CXXFLAGS = [env.CXXFLAGS, ...HEADERS.map((header) => `-include ../${header}`)].join(" ");
  // Headers that have to be downloaded go into our folder, not into one of the user's.
  const npm_config_devdir = join(folder, "headers");
  const { code, stdout, stderr } = await runCommand(
    nodeProgram,
    [builder, "install", "--build-from-source", ...headersArgument(nodeProgram)],
    { ...options, env: { ...env, CXXFLAGS, npm_config_devdir }, cwd: folder },
  );
  const built = bindingFile(folder);
  if (code !== 0 || !existsSync(built)) throw buildError(stderr + stdout);
  return built;
}

/** The CUDA driver's probe, compiled if need be. @throws environmentError when a tool is missing or compiling fails */
export async function keptGpuProbe(build: BindingBuild, cache: string): Promise<string> {
  const { packageFolder, options } = build;
  const kept = join(keptFolder(cache, packageFolder), basename(gpuProbeFile(packageFolder)));
  if (bindingIsKept(cache, packageFolder)) return kept;
  await requireTools(options);
  await copyIntoPlace(await compileGpuProbe(build, buildError), kept);
  return kept;
}

/**
 * Compiles binding and modules in a folder of their own, so that no half-built file is found, and keeps them.
 * @throws environmentError when a tool is missing or the compilation fails
 */
export async function buildBinding(build: BindingBuild, cache: string): Promise<void> {
  const { packageFolder, options } = build;
  await requireTools(options);
  await copySources(build);
  const modules = await compileNativeModules(build, buildError);
  for (const built of [...modules, await compileBinding(build)]) {
    await copyIntoPlace(built, join(keptFolder(cache, packageFolder), basename(built)));
  }
  writeCompiled(keptRecord(cache, packageFolder), NAMES);
}
