import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The content of a /proc file; empty if missing. */
function told(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}

/** The kernel since it was started; empty where /proc does not tell, as all of these. */
export const bootId = (): string => told(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));

/** The space in which this process's number means one process. */
export const pidNamespace = (): string => told(() => readlinkSync("/proc/self/ns/pid"));

/** This process's number in it. */
export const ownPid = (): string => told(() => readlinkSync("/proc/self"));

/** The space in which a process number means one process: this machine since it was started, and its namespace. */
function place(): string {
  const words = [hostname(), bootId(), pidNamespace()].join("\n");
  return createHash("sha256").update(words).digest("hex").slice(0, 8);
}

/** When a process was started, in the kernel's own units; empty where there is none. */
export function startOf(pid: string): string {
  const line = told(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The command's name (second field) may hold blanks; the rest is counted after its closing parenthesis.
  return line.replace(/^.*\) /s, "").split(" ")[19] ?? "";
}

/** A mark for the names of files that are of no use once this process is gone: letters, digits and dashes. */
export function ownMark(): string {
  const pid = ownPid();
  return [place(), pid, startOf(pid)].join("-");
}

/** Whether a mark is of a dead process of this machine; unknown for other machines. */
export function isGone(mark: string): boolean {
  const [where, pid = "", start] = mark.split("-");
  return where === place() && start !== "" && startOf(pid) !== start;
}
