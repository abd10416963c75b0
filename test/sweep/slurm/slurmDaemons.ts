import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that serves until it is stopped. */
export interface Daemon {
  readonly name: string;
  readonly child: ChildProcess;
  /** What it says. */
  readonly log: string;
}

/** Starts a program that stays in the foreground; it ends with this process, even if that is killed. */
export function startDaemon(
  folder: string,
  env: NodeJS.ProcessEnv,
  [name, ...args]: readonly [string, ...string[]],
): Daemon {
  const log = join(folder, `${name}.log`);
  const file = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", name, ...args], {
    env,
    stdio: ["ignore", file, file],
  });
  return { name, child, log };
}

export const hasEnded = ({ child }: Daemon): boolean => child.exitCode !== null || child.signalCode !== null;

const PATIENCE_MS = 10_000;

/** Ends a daemon in order, or at once where it does not obey. */
export async function stopDaemon(daemon: Daemon): Promise<void> {
  if (hasEnded(daemon)) return;
  const ended = once(daemon.child, "exit");
  daemon.child.kill("SIGTERM");
  const kill = setTimeout(() => daemon.child.kill("SIGKILL"), PATIENCE_MS);
  await ended;
  clearTimeout(kill);
}

const readSafely = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended meanwhile.
    return "";
  }
};

/** Processes that were given this variable and value, and are not this one. */
function processesWith(variable: string): number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const given = (number: string) => readSafely(`/proc/${number}/environ`).split("\0");
  return numbers.filter((number) => given(number).includes(variable)).map(Number);
}

/** Kills what was started with a variable of its own and is left over. */
export async function killAllWith(variable: string): Promise<void> {
  for (const pid of processesWith(variable)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  while (processesWith(variable).length > 0) await sleep(50);
}
