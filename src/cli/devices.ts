import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { inputError, PefdError, runError } from "../common/errors.js";
import { lastLine } from "../runtime/command.js";
import { type Devices, LOST, serverVariables } from "../train/devices.js";

/** Tells a process its place; set by process 0 for those that it starts. */
const PLACE = "PEFD_DEVICE";

/** Free ports of this machine. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

type Place = Pick<Devices, "rank" | "addresses" | "folder">;

/** The place that TensorFlow's TF_CONFIG gives a process on several machines. @throws inputError for another form */
function configured(text: string, size: number): Place {
  try {
    const { cluster, task } = JSON.parse(text);
    const addresses = [...(cluster.chief ?? []), ...(cluster.worker ?? [])];
    const rank = task.index + (task.type === "worker" ? (cluster.chief?.length ?? 0) : 0);
    if (addresses.length === size && typeof addresses[rank] === "string") return { rank, addresses };
  } catch {
    // Refused below.
  }
  throw inputError(
    `TF_CONFIG does not name ${size} processes and this one's place among them.`,
    `Such as: TF_CONFIG='{"cluster":{"worker":["node1:2222","node2:2222"]},"task":{"type":"worker","index":0}}'`,
  );
}

/** A share of the CPU's cores, and one of the visible GPUs. */
function shareOfMachine(rank: number, size: number, env: NodeJS.ProcessEnv): Record<string, string> {
  const visible = env.CUDA_VISIBLE_DEVICES?.split(",") ?? [];
  const threads = Math.max(1, Math.floor(availableParallelism() / size));
  return {
    CUDA_VISIBLE_DEVICES: env.CUDA_VISIBLE_DEVICES === "" ? "" : (visible[rank] ?? `${rank}`),
    TF_NUM_INTRAOP_THREADS: env.TF_NUM_INTRAOP_THREADS ?? `${threads}`,
  };
}

interface Started {
  readonly child: ChildProcess;
  stderr: string;
}

const endOf = ({ child: { signalCode }, stderr }: Started): string =>
  signalCode !== null ? `was killed by ${signalCode}` : `ended: ${lastLine(stderr)}`;

/** An error about the other processes, with the one that is known to have ended. */
async function explained(error: unknown, others: readonly Started[], hint: string): Promise<unknown> {
  if (!(error instanceof PefdError) || !error.message.startsWith(LOST)) return error;
  const hasEnded = ({ child }: Started) => child.exitCode !== null || child.signalCode !== null;
  for (let wait = 0; wait < 20 && !others.some(hasEnded); wait++) await setTimeout(50);
  const rank = others.findIndex(hasEnded) + 1;
  const ended = others[rank - 1];
  const what = ended === undefined ? error.message : `Process ${rank} of ${others.length + 1} ${endOf(ended)}`;
  return Object.assign(runError(`${what}; the others cannot go on without it.`, hint), { cause: error });
}

/**
 * Runs work on --devices processes: those of this machine are started by process 0, which ends them with itself; on
 * several machines TF_CONFIG gives each its place.
 * @param argv of the command, for the other processes
 * @throws runError that names a process which ended
 */
export async function onDevices<Result>(
  {
    devices: size,
    device_timeout: timeout,
  }: { readonly devices?: number | undefined; readonly device_timeout: number },
  argv: readonly string[],
  hint: string,
  work: (devices: Devices | undefined) => Promise<Result>,
): Promise<Result> {
  if (size === undefined) return work(undefined);
  const { env } = process;
  const given = env[PLACE] ?? env.TF_CONFIG;
  const isStarter = given === undefined;
  const place: Place = isStarter
    ? { rank: 0, addresses: (await freePorts(size)).map((port) => `127.0.0.1:${port}`) }
    : env[PLACE] === undefined
      ? configured(given, size)
      : JSON.parse(given);
  const folder = place.folder ?? mkdtempSync(join(tmpdir(), "pefd-devices-"));
  const devices: Devices = { ...place, folder, size, timeout };
  const others: Started[] = [];
  for (let rank = 1; isStarter && rank < size; rank++) {
    const own = {
      ...env,
      ...shareOfMachine(rank, size, env),
      [PLACE]: JSON.stringify({ ...place, rank, folder: join(folder, `${rank}`) }),
    };
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, ...argv, "--quiet"], {
      env: own,
      detached: true, // Ctrl-C is process 0's to answer
      stdio: ["ignore", "ignore", "pipe"],
    });
    const started: Started = { child, stderr: "" };
    child.stderr?.on("data", (text) => {
      started.stderr = (started.stderr + text).slice(-10_000);
    });
    others.push(started);
  }
  Object.assign(env, isStarter && shareOfMachine(0, size, env), serverVariables(devices));
  const end = () => {
    for (const { child } of others) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", end);
  try {
    return await work(devices);
  } catch (error) {
    throw await explained(error, others, hint);
  } finally {
    process.off("exit", end);
    end();
  }
}
