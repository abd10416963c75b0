import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Ended, runProgram } from "../helpers/pefd.js";

/** What a compiler and Makefiles call, beside Node.js and Python. */
const TOOLS = [
  "sh",
  "env",
  "uname",
  "make",
  "gcc",
  "g++",
  "cc",
  "c++",
  "as",
  "ld",
  "ar",
  "ranlib",
  "strip",
  "cp",
  "mv",
  "rm",
  "ln",
  "mkdir",
  "touch",
  "cat",
  "sed",
  "grep",
  "printf",
  "dirname",
];

/** Variables of this process that another one must not have: what pefd and npm are told, and where this user's files lie. */
const OURS = /^(?:PEFD_|XDG_|npm_|NODE_TEST|NODE_V8|PYENV|TF_|HOME$|PATH$|PWD$)/;

/** A machine on which nothing but Node.js, Python and a compiler is installed, with an empty home folder. */
export interface BareEnvironment {
  readonly home: string;
  /** The prefix of npm's global packages. */
  readonly prefix: string;
  /** An empty folder that has nothing to do with pefd. */
  readonly elsewhere: string;
  readonly run: (program: string, ...args: readonly string[]) => Promise<Ended>;
}

/** The file that a program is: launchers that look for it in the user's home are no use without one. */
function fileOf(name: string): string {
  if (name === "python3") {
    const asked = spawnSync("python3", ["-c", "import sys; print(sys.executable)"]);
    return realpathSync(asked.stdout.toString().trim());
  }
  const folders = (process.env.PATH ?? "").split(":");
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? "";
}

/** @param folder an empty folder */
export function bareEnvironment(folder: string): BareEnvironment {
  const at = (name: string) => join(folder, name);
  for (const name of ["bin", "home", "prefix", "elsewhere"]) mkdirSync(at(name));
  for (const name of [...TOOLS, "python3"]) {
    const file = fileOf(name);
    if (file !== "") symlinkSync(file, join(at("bin"), name));
  }
  // npm lies beside Node.js, wherever that is.
  const nodeFolder = dirname(realpathSync(process.execPath));
  for (const name of ["node", "npm", "npx"]) {
    const file = join(nodeFolder, name);
    symlinkSync(existsSync(file) ? file : fileOf(name), join(at("bin"), name));
  }
  const kept = Object.entries(process.env).filter(([name]) => !OURS.test(name));
  const env = {
    ...Object.fromEntries(kept),
    HOME: at("home"),
    PATH: `${at("prefix")}/bin:${at("bin")}`,
    npm_config_prefix: at("prefix"),
  };
  return {
    home: at("home"),
    prefix: at("prefix"),
    elsewhere: at("elsewhere"),
    run: (program, ...args) => runProgram(program, args, { cwd: at("elsewhere"), env }),
  };
}
