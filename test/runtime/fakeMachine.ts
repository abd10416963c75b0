import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Probe } from "#pefd/runtime/doctor/probe.js";
import type { InstallSettings } from "#pefd/runtime/setup/setUp.js";

/**
 * A machine as setup sees it, all of it in a temporary folder: a package index, make, g++, and optionally
 * a GPU, played by small programs that come first on PATH; and a package whose builder writes a file.
 */
export interface FakeMachine {
  readonly root: string;
  readonly packageFolder: string;
  readonly cache: string;
  readonly settings: InstallSettings;
  /** Makes one of the programs: a script of Node.js. */
  program(name: string, script: string): void;
  /** How often each program did its work: "download tensorflow-cpu", "build". */
  log(): string[];
  remove(): void;
}

/** The compiled file that plays pip. */
const FAKE_PIP = fileURLToPath(new URL("./setup/fakePip.js", import.meta.url));

const BUILDER = `
const fs = require("fs");
fs.appendFileSync(process.env.FAKE_LOG, "build\\n");
fs.mkdirSync("lib/napi-v8", { recursive: true });
if (!fs.existsSync("deps/lib/libtensorflow.so")) throw new Error("nothing to link with");
fs.writeFileSync("lib/napi-v8/tfjs_binding.node", "a binding");
`;

/** Plays the probe of the CUDA driver: says what FAKE_CUDA says, and finds every library that FAKE_MISSING does not name. */
const PROBE = `#!${process.execPath}
const [what, , ...names] = process.argv.slice(2);
const missing = (process.env.FAKE_MISSING || "").split(",");
const find = (name) => missing.includes(name)
  ? { name, error: name + ": cannot open shared object file" }
  : { name, file: "/lib/" + name };
const answers = what === "devices"
  ? [JSON.parse(process.env.FAKE_CUDA || '{"error":"libcuda.so.1: cannot open shared object file"}')]
  : names.map(find);
for (const answer of answers) console.log(JSON.stringify(answer));
`;

/** Writes the file that it is told to put out; without -c and -shared that is the probe, a program. */
const COMPILER = `
const fs = require("fs");
const output = process.argv.indexOf("-o");
const isProgram = !process.argv.includes("-shared") && !process.argv.includes("-c");
if (output > 0) {
  fs.writeFileSync(process.argv[output + 1], isProgram ? ${JSON.stringify(PROBE)} : "a module");
  fs.chmodSync(process.argv[output + 1], 0o755);
}
`;

function writeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** @param loads whether TensorFlow is to load, asked each time it is tried */
export function fakeMachine(loads: () => boolean = () => true): FakeMachine {
  const root = mkdtempSync(join(tmpdir(), "pefd-install-"));
  const bin = join(root, "bin");
  const packageFolder = join(root, "node_modules/@tensorflow/tfjs-node-gpu");
  const logFile = join(root, "log");
  const program = (name: string, script: string) => {
    writeTree(bin, { [name]: `#!${process.execPath}\n${script}\n` });
    chmodSync(join(bin, name), 0o755);
  };
  writeTree(root, { log: "" });
  writeTree(packageFolder, {
    "package.json": '{ "version": "4.22.0" }',
    "binding.gyp": "{}",
    "binding/tfjs_binding.cc": "",
    "node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp": BUILDER,
  });
  program("python3", `import(${JSON.stringify(FAKE_PIP)})`);
  program("make", "");
  program("g++", COMPILER);
  const env = { PATH: `${bin}${delimiter}/nowhere`, FAKE_LOG: logFile };
  const probe = async (): Promise<Probe> =>
    loads()
      ? { version: "2.21.0", usesGpu: false, reason: "" }
      : { version: undefined, usesGpu: false, reason: "undefined symbol: TF_Version" };
  const cache = join(root, "cache");
  return {
    root,
    packageFolder,
    cache,
    program,
    settings: {
      env,
      packageFolder,
      cache,
      root,
      node: { program: process.execPath, platform: "linux", arch: "x64" },
      inherit: [],
      probe,
      onPhase: () => {},
      onBytes: () => {},
    },
    log: () => readFileSync(logFile, "utf8").split("\n").filter(Boolean),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
