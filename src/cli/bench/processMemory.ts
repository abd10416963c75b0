import { readFileSync } from "node:fs";

const KILOBYTES = 1024;

/** Linux tells it of the program itself; what `resourceUsage` tells may be that of the process which started it. */
const STATUS = "/proc/self/status";

/** The most memory that this process has taken, in MB. */
export function processMemoryMb(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(statusText()) ?? [];
  return Number(kilobytes ?? process.resourceUsage().maxRSS) / KILOBYTES;
}

function statusText(): string {
  try {
    return readFileSync(STATUS, "utf8");
  } catch {
    return "";
  }
}

/** Processor time of this process so far, of all its threads, in seconds. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
