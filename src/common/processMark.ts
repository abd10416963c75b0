import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

function told(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}

/** A file of /proc; empty without it. */
export const procText = (name: string): string => told(() => readFileSync(`/proc/${name}`, "utf8"));

/** Id of this boot of the kernel; empty without /proc, as all of these. */
export const bootId = (): string => procText("sys/kernel/random/boot_id");

/** The pid namespace. */
export const pidNamespace = (): string => told(() => readlinkSync("/proc/self/ns/pid"));

/** Our pid in it. */
export const ownPid = (): string => told(() => readlinkSync("/proc/self"));

/** Where a pid is unique: a boot of this machine and a pid namespace. */
function place(): string {
  const words = [hostname(), bootId(), pidNamespace()].join("\n");
  return createHash("sha256").update(words).digest("hex").slice(0, 8);
}

/** What the kernel says of a process after its command's name, which may hold blanks and parentheses (proc_pid_stat). */
export const statOf = (pid: string): string[] =>
  procText(`${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");

/** A process's start time in clock ticks; empty without such a process. */
export const startOf = (pid: string): string => statOf(pid)[19] ?? "";

/** A mark for names of files that are useless after this process: letters, digits and dashes. */
export function ownMark(): string {
  const pid = ownPid();
  return [place(), pid, startOf(pid)].join("-");
}

/** Whether a mark's process on this machine is dead; false for other machines. */
export function isGone(mark: string): boolean {
  const [where, pid = "", start] = mark.split("-");
  return where === place() && start !== "" && startOf(pid) !== start;
}
