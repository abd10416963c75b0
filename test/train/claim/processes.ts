import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../helpers/paths.js";

/** Claims a folder, says "locked" or why not, and keeps it until its input ends. */
const HOLDER = `
  import { lockRunFolder } from "#pefd/train/claim/lock.js";
  try {
    const lock = lockRunFolder(process.argv[1]);
    console.log("locked");
    process.stdin.on("data", () => {}).on("end", () => lock.release());
  } catch (error) {
    console.log(error.message);
  }`;

/** A process that has claimed a folder, or was refused. */
export interface Holder {
  readonly child: ChildProcess;
  /** What it said first. */
  readonly said: string;
  /** Lets it give the folder back. @returns once it has ended */
  release(): Promise<void>;
  /** Kills it with SIGKILL. @returns once it is gone */
  kill(): Promise<void>;
}

/**
 * Starts a process that claims a folder.
 * @param before words before Node.js, such as those of unshare
 */
export async function holder(
  folder: string,
  before: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Holder> {
  const words = [...before, process.execPath, "--input-type=module", "-e", HOLDER, folder];
  const [program, ...rest] = words as [string, ...string[]];
  const child = spawn(program, rest, { cwd: ROOT, env, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  const said = await new Promise<string>((done) => {
    createInterface({ input: child.stdout })
      .once("line", done)
      .once("close", () => done(""));
  });
  return {
    child,
    said,
    release: () => {
      child.stdin.end();
      return ended;
    },
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/** Words that start a program in a PID namespace of its own, or why that cannot be done here. */
export function ownNamespace(): { words: readonly string[]; missing: string | false } {
  const { status } = spawnSync(UNSHARE[0] as string, [...UNSHARE.slice(1), "true"]);
  return { words: UNSHARE, missing: status !== 0 && "PID namespaces cannot be made here" };
}

/** An environment without the program that asks for the kernel's lock, with Node.js and unshare in it. */
export function withoutKernelLocks(folder: string): Record<string, string | undefined> {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  const unshare = spawnSync("sh", ["-c", "command -v unshare"], { encoding: "utf8" }).stdout.trim();
  if (unshare !== "") symlinkSync(unshare, join(bin, "unshare"));
  return { ...process.env, PATH: bin };
}
