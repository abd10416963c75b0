import { readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { shellWord } from "../common/shellWord.js";

const LOCK_FILE = "run.lock";

/** A process, told apart from a later one with the same number by when it started. */
interface Owner {
  /** The machine that it runs on: a run folder may lie on a file system that several share. */
  readonly host: string;
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
  return { host: hostname(), pid, started: startOf(pid) ?? "" };
}

/** Who claimed a run folder; undefined where nobody did or the lock cannot be read. */
function ownerOf(runDir: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(runDir, LOCK_FILE), "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

const isHere = (owner: Owner): boolean => owner.host === hostname();

const isAlive = (owner: Owner): boolean => isHere(owner) && startOf(owner.pid) === owner.started;

/**
 * Claims a run folder for this process. A lock left by a process of this machine that is gone is taken over.
 * @returns releases the folder
 * @throws inputError with the owner's process number while another process works there, or where one of another
 * machine may
 */
export function lockRunFolder(runDir: string): () => void {
  const path = join(runDir, LOCK_FILE);
  const content = JSON.stringify(ourselves());
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, content, { flag: "wx" });
      return () => release(runDir, content);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 1) throw error;
    }
    refuseLiving(runDir);
    rmSync(path, { force: true });
  }
}

/** Removes our own lock; one by which somebody else took the folder over stays. */
function release(runDir: string, content: string): void {
  const owner = ownerOf(runDir);
  if (JSON.stringify(owner) === content) rmSync(join(runDir, LOCK_FILE), { force: true });
}

/**
 * Refuses to touch a folder in which another process works. Whether a process of another machine is still there
 * cannot be seen from here: its lock holds until it or a person removes it.
 * @throws inputError with the owner's process number, and its machine where that is another one
 */
export function refuseLiving(runDir: string): void {
  const owner = ownerOf(runDir);
  if (owner === undefined) return;
  if (!isHere(owner)) {
    throw inputError(
      `Process ${owner.pid} on ${owner.host} is working in ${runDir}, or was killed there.`,
      `Wait for it, or stop it there. If it is gone: rm ${shellWord(join(runDir, LOCK_FILE))}, then type this again.`,
    );
  }
  if (!isAlive(owner)) return;
  throw inputError(
    `Process ${owner.pid} is working in ${runDir}.`,
    "Wait for it, or stop it; `pefd watch` shows how far it is.",
  );
}

/** The number of the process of this machine that works in a run folder; undefined where none does. */
export function workingProcess(runDir: string): number | undefined {
  const owner = ownerOf(runDir);
  return owner !== undefined && isAlive(owner) ? owner.pid : undefined;
}
