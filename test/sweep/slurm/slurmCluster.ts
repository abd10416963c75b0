import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { slurmFiles, writeConfiguration } from "./slurmConfiguration.js";
import { type Daemon, hasEnded, killAllWith, startDaemon, stopDaemon } from "./slurmDaemons.js";

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "setpriv"];

/** Why there is no Slurm to test with, or false. */
export function missingSlurm(): string | false {
  const folders = PATH.split(delimiter);
  const isThere = (name: string) => folders.some((folder) => existsSync(join(folder, name)));
  const missing = PROGRAMS.filter((name) => !isThere(name));
  if (missing.length === 0) return false;
  return `no ${missing.join(", ")} here (Debian: slurmctld slurmd slurm-client munge)`;
}

/** A Slurm of one node that this test has started. */
export interface Slurm {
  /** Variables by which its programs, and pefd, find it. */
  readonly env: Record<string, string>;
  /** Runs one of its programs. @returns what it prints */
  ask(name: string, ...args: readonly string[]): string;
  /** Lets tasks begin without their runs, until it is called with false. */
  hold(on: boolean): void;
}

function slurmIn(folder: string): Slurm {
  const { configuration, hold } = slurmFiles(folder);
  const env = { PATH, SLURM_CONF: configuration };
  return {
    env,
    ask(name, ...args) {
      const options = { env: { ...process.env, ...env }, encoding: "utf8" } as const;
      const { status, stdout, stderr } = spawnSync(name, args, options);
      if (status !== 0) throw new Error(`${name} ${args.join(" ")} failed: ${stderr}`);
      return stdout.trim();
    },
    hold: (on) => (on ? writeFileSync(hold, "") : rmSync(hold, { force: true })),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function mungeWords(folder: string): string[] {
  const { key, socket } = slurmFiles(folder);
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  const files = [`--key-file=${key}`, `--socket=${socket}`];
  const others = ["pid", "seed"].map((kind) => `--${kind}-file=${join(folder, `munge.${kind}`)}`);
  return ["--foreground", "--force", "--num-threads=1", ...files, ...others];
}

/** Starts munge, the controller and the node's daemon, in this order. */
function startDaemons(folder: string, { env }: Slurm): Daemon[] {
  const all = { ...process.env, ...env };
  const commands = [
    ["munged", ...mungeWords(folder)],
    ["slurmctld", "-D", "-i"],
    ["slurmd", "-D"],
  ] as const;
  return commands.map((words) => startDaemon(folder, all, words as readonly [string, ...string[]]));
}

const PATIENCE_MS = 30_000;

function isReady(slurm: Slurm): boolean {
  try {
    return slurm.ask("sinfo", "--noheader", "--partition=main", "--format=%T") === "idle";
  } catch {
    // The controller does not answer yet.
    return false;
  }
}

/** Waits for the node. @returns why it does not come, or undefined */
async function failure(slurm: Slurm, daemons: readonly Daemon[]): Promise<string | undefined> {
  const end = Date.now() + PATIENCE_MS;
  while (!isReady(slurm)) {
    const ended = daemons.find(hasEnded) ?? (Date.now() > end ? daemons.at(-1) : undefined);
    if (ended === undefined) await sleep(200);
    else return `${ended.name} does not run here: ${readFileSync(ended.log, "utf8").slice(-500)}`;
  }
  return undefined;
}

/** Ends tasks, daemons and whatever else is left, and removes all files. */
async function remove(folder: string, slurm: Slurm, daemons: readonly Daemon[]): Promise<void> {
  for (const daemon of daemons.toReversed()) await stopDaemon(daemon);
  await killAllWith(`SLURM_CONF=${slurm.env.SLURM_CONF}`);
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a Slurm of its own for a test, removed with it. @returns why it cannot be had, where it cannot */
export async function startSlurm(t: TestContext): Promise<Slurm | string> {
  const folder = mkdtempSync(join(tmpdir(), "pefd-slurm-"));
  const slurm = slurmIn(folder);
  writeConfiguration(folder, [await freePort(), await freePort()]);
  const daemons = startDaemons(folder, slurm);
  t.after(() => remove(folder, slurm, daemons));
  return (await failure(slurm, daemons)) ?? slurm;
}
