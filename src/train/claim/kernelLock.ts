import { spawnSync } from "node:child_process";

/** What became of an attempt: ours now, another process's, or the kernel or file system has no such locks. */
export type KernelLock = "held" | "taken" | "unavailable";

/** How util-linux' and BusyBox' flock tell that another process has the lock: this code, and not a word. */
const TAKEN = 1;

/**
 * Takes the kernel's lock on an open file, without waiting. It belongs to what was opened, so it is this process's
 * although another program asks for it, ends with this process however that ends, and holds in every namespace of the
 * machine. Node.js has no call for it.
 * @param file a file descriptor; closing it releases the lock
 */
export function kernelLock(file: number): KernelLock {
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", file],
  });
  if (error !== undefined) return "unavailable";
  if (status === 0) return "held";
  return status === TAKEN && stderr.length === 0 ? "taken" : "unavailable";
}
