import { existsSync } from "node:fs";
import { cp, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { environmentError, type PefdError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import { type CommandOptions, lastLine, runCommand } from "../command.js";
import { bindingFile, dependencies, gpuProbeFile } from "../paths.js";
import { copyIntoPlace, sameContent } from "./files.js";
import {
  compileGpuProbe,
  compileNativeModules,
  nativeModuleFiles,
  nativeModulesHash,
  SOURCES as OWN_SOURCES,
} from "./nativeModules.js";
import { TENSORFLOW_VERSION } from "./wheels.js";

/** What one compilation of the binding needs to know. */
export interface BindingBuild {
  /** The installed package tfjs-node-gpu. */
  readonly packageFolder: string;
  /** The runtime it is linked with. */
  readonly tree: string;
  /** A folder of ours to work in. */
  readonly folder: string;
  /** The running Node.js. */
  readonly nodeProgram: string;
  readonly options: CommandOptions & Required<Pick<CommandOptions, "env">>;
}

/** What of the package is needed to compile its binding. */
const SOURCES = ["binding", "binding.gyp", "package.json"];

/** A header of ours that the binding's sources are compiled with; it says what for. */
const WHOLE_ERRORS = "binding/whole_errors.h";

/** Programs that compile the binding. */
const TOOLS = ["make", "g++"];

const packageRequire = (folder: string): NodeJS.Require =>
  createRequire(join(folder, "package.json"));

/** What set-up compiles, as paths in the package: the binding itself and our own modules. */
const COMPILED = [bindingFile, ...nativeModuleFiles];

/** Where the compiled files are kept for other clones. Node-API 8 serves every supported Node.js. */
function keptFolder(cache: string, packageFolder: string): string {
  const { version } = packageRequire(packageFolder)("./package.json") as { version: string };
  const name = `tfjs-${version}-tensorflow-${TENSORFLOW_VERSION}-napi-8-linux-x64-${nativeModulesHash()}`;
  return join(cache, "runtime/bindings", name);
}

/** Each compiled file: where it is kept, and where the package has it. */
const places = (cache: string, packageFolder: string): [kept: string, used: string][] =>
  COMPILED.map((file) => {
    const used = file(packageFolder);
    return [join(keptFolder(cache, packageFolder), basename(used)), used];
  });

/** Whether everything compiled is kept in the cache. */
export const bindingIsKept = (cache: string, packageFolder: string): boolean =>
  places(cache, packageFolder).every(([kept]) => existsSync(kept));

/** Whether the package has everything that is kept, byte for byte. */
export const bindingIsInPlace = (cache: string, packageFolder: string): boolean =>
  places(cache, packageFolder).every(([kept, used]) => sameContent(kept, used));

/** Puts what is kept into the package. */
export async function placeBinding(cache: string, packageFolder: string): Promise<void> {
  for (const [kept, used] of places(cache, packageFolder)) await copyIntoPlace(kept, used);
}

async function requireTools(options: CommandOptions): Promise<void> {
  const answers = await Promise.all(TOOLS.map((tool) => runCommand(tool, ["--version"], options)));
  const missing = TOOLS.filter((_, i) => answers[i]?.code !== 0);
  if (missing.length === 0) return;
  throw environmentError(
    `The binding to TensorFlow has to be compiled, and ${missing.join(" and ")} did not answer.`,
    "On Debian or Ubuntu: sudo apt install make g++, then: npm run setup",
  );
}

/** The folder of Node.js's own headers beside its program; without it they are downloaded. */
function headersArgument(nodeProgram: string): string[] {
  const prefix = dirname(dirname(nodeProgram));
  return existsSync(join(prefix, "include/node/node_api.h")) ? [`--nodedir=${prefix}`] : [];
}

function buildError(output: string): PefdError {
  const reason = output.match(/^.*(?:\berror: |gyp ERR! stack ).*$/m)?.[0] ?? lastLine(output);
  return environmentError(
    `The binding to TensorFlow did not compile: ${reason.trim()}`,
    "It needs make, g++ and the headers of Node.js; then: npm run setup",
  );
}

async function copySources({ packageFolder, folder, tree }: BindingBuild): Promise<void> {
  makeFolder(folder);
  for (const name of SOURCES) {
    await cp(join(packageFolder, name), join(folder, name), { recursive: true });
  }
  await cp(join(OWN_SOURCES, WHOLE_ERRORS), join(folder, WHOLE_ERRORS));
  await symlink(tree, dependencies(folder));
}

async function compileBinding(build: BindingBuild): Promise<string> {
  const { packageFolder, folder, nodeProgram, options } = build;
  const builder = packageRequire(packageFolder).resolve("@mapbox/node-pre-gyp/bin/node-pre-gyp");
  const { env } = options;
  // gyp compiles in the folder's own folder `build`.
  const CXXFLAGS = `${env.CXXFLAGS ?? ""} -include ../${WHOLE_ERRORS}`;
  const { code, stdout, stderr } = await runCommand(
    nodeProgram,
    [builder, "install", "--build-from-source", ...headersArgument(nodeProgram)],
    { ...options, env: { ...env, CXXFLAGS }, cwd: folder },
  );
  const built = bindingFile(folder);
  if (code !== 0 || !existsSync(built)) throw buildError(stderr + stdout);
  return built;
}

/**
 * The compiled probe of the CUDA driver, compiled and kept where it is not there yet.
 * @throws environmentError when a tool is missing or the compilation fails
 */
export async function keptGpuProbe(build: BindingBuild, cache: string): Promise<string> {
  const { packageFolder, options } = build;
  const kept = join(keptFolder(cache, packageFolder), basename(gpuProbeFile(packageFolder)));
  if (existsSync(kept)) return kept;
  await requireTools(options);
  await copyIntoPlace(await compileGpuProbe(build, buildError), kept);
  return kept;
}

/**
 * Compiles the package's binding and our own modules in a folder of their own, so that Node.js never finds a half-built
 * file, and keeps them in the cache.
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
}
