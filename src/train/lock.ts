import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";

const LOCK_FILE = "run.lock";

/** A process, told apart from a later one with the same number by when it started. */
interface Owner {
  readonly pid: number;
  readonly started: string;
}

/** Start time of a process in the kernel's own units; undefined when there is none (or no /proc). */
function startOf(pid: number): string | undefined {
  try {
    // The command's name (second field) may hold blanks; the rest is counted after its closing parenthesis.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[19];
  } catch {
    return undefined;
  }
}

function ourselves(): Owner {
  const pid = Number(readlinkSync("/proc/self"));
  return { pid, started: startOf(pid) ?? "" };
}

function ownerOf(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

const isAlive = (owner: Owner): boolean => startOf(owner.pid) === owner.started;

/**
 * Claims a run folder for this process. A lock left by a process that is gone is taken over.
 * @returns releases the folder
 * @throws inputError with the owner's process number while another process works there
 */
export function lockRunFolder(runDir: string): () => void {
  const path = join(runDir, LOCK_FILE);
  const content = JSON.stringify(ourselves());
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, content, { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 1) throw error;
    }
    refuseLiving(runDir);
    rmSync(path, { force: true });
  }
}

/**
 * Refuses to touch a folder in which another process works.
 * @throws inputError with the owner's process number
 */
export function refuseLiving(runDir: string): void {
  const pid = workingProcess(runDir);
  if (pid === undefined) return;
  throw inputError(
    `Process ${pid} is working in ${runDir}.`,
    "Wait for it, or stop it; `pefd watch` shows how far it is.",
  );
}

/** The number of the process that works in a run folder; undefined where none does. */
export function workingProcess(runDir: string): number | undefined {
  const path = join(runDir, LOCK_FILE);
  const owner = existsSync(path) ? ownerOf(path) : undefined;
  return owner !== undefined && isAlive(owner) ? owner.pid : undefined;
}
