import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import type { Environment, Gpu } from "./types.js";

export type SmiAnswer = { readonly gpus: readonly Gpu[] } | { readonly problem: string };

/** A driver that does not answer within this time counts as broken. */
const TIMEOUT_MILLISECONDS = 30_000;

/** Query fields, newest last: an nvidia-smi that lacks one prints nothing at all. */
const FIELDS = "name,compute_cap,driver_version,memory.total,uuid,pci.bus_id";
/** The same without the one that came with driver 470. */
const OLD_FIELDS = FIELDS.replace("compute_cap,", "");

const MEGABYTE = 2 ** 20;

/** Whether a cell says something, other than "[N/A]" or "[Not Supported]". */
const present = (cell: string | undefined): cell is string => cell !== undefined && /^[^[]/.test(cell);

const isDriver = (cell: string | undefined): cell is string => /^\d{3,}\./.test(cell ?? "");

/** Reads lines such as `NVIDIA H100 80GB HBM3, 9.0, 550.54.15, 81559 MiB, GPU-..., 00000000:01:00.0`. */
export function parseGpus(text: string, withCapability = true): Gpu[] {
  const rows = text.split("\n").map((line) => line.split(",").map((cell) => cell.trim()));
  return rows.flatMap((row) => {
    const cells = withCapability ? row : [row[0], undefined, ...row.slice(1)];
    const [name, capability, driver, memory, uuid, bus] = cells;
    if (!present(name) || row.length < 2) return [];
    return {
      name,
      capability: present(capability) ? capability : undefined,
      driver: isDriver(driver) ? driver : undefined,
      ...(present(memory) && { memory: Number.parseInt(memory, 10) * MEGABYTE }),
      ...(present(uuid) && { uuid }),
      ...(present(bus) && { bus }),
    };
  });
}

function print(env: Environment, flags: readonly string[]): string | { readonly problem: string } {
  const answer = spawnSync("nvidia-smi", flags, {
    env,
    encoding: "utf8",
    timeout: TIMEOUT_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  if (answer.status === 0) return answer.stdout;
  if ((answer.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    return { problem: "nvidia-smi is missing" };
  }
  if (answer.status === null) return { problem: "nvidia-smi did not answer" };
  const said = `${answer.stdout}\n${answer.stderr}`.split("\n").find((line) => line.trim() !== "");
  return { problem: `nvidia-smi failed: ${said?.trim() ?? `exit code ${answer.status}`}` };
}

/** Asks nvidia-smi for all GPUs, or for those that one name stands for: an index or a UUID. */
export function askSmi(env: Environment, id?: string): SmiAnswer {
  const selection = id === undefined ? [] : [`--id=${id}`];
  const ask = (fields: string) => print(env, [`--query-gpu=${fields}`, "--format=csv,noheader", ...selection]);
  const answer = ask(FIELDS);
  if (typeof answer === "string") return { gpus: parseGpus(answer) };
  if (!/not a valid field/i.test(answer.problem)) return answer;
  const older = ask(OLD_FIELDS);
  return typeof older === "string" ? { gpus: parseGpus(older, false) } : older;
}

/** The GPUs of this machine by nvidia-smi; none where it is missing or fails. */
function listGpus(env: Environment): readonly Gpu[] {
  const answer = askSmi(env);
  return "gpus" in answer ? answer.gpus : [];
}

export interface GpuHolder {
  readonly pid: string;
  readonly name: string;
  /** Undefined where it is not said. */
  readonly bytes?: number;
}

/** Processes that compute on the GPU of an index or UUID, if nvidia-smi says so: it does not see out of a container. */
export function gpuHolders(env: Environment, id: string): GpuHolder[] {
  const fields = "--query-compute-apps=pid,process_name,used_memory";
  const answer = print(env, [fields, "--format=csv,noheader", `--id=${id}`]);
  if (typeof answer !== "string") return [];
  return answer.split("\n").flatMap((line) => {
    const [pid = "", name, memory] = line.split(",").map((cell) => cell.trim());
    if (!/^\d+$/.test(pid) || !present(name)) return [];
    return { pid, name: basename(name), ...(present(memory) && { bytes: Number.parseInt(memory, 10) * MEGABYTE }) };
  });
}

/** The words of CUDA_VISIBLE_DEVICES; undefined where it is not set. */
export const visibleNames = (env: Environment): string[] | undefined =>
  env.CUDA_VISIBLE_DEVICES?.split(",").map((name) => name.trim());

/** Those GPUs of nvidia-smi that CUDA_VISIBLE_DEVICES leaves visible to CUDA, in its order. */
export function visibleGpus(env: Environment): readonly Gpu[] {
  const names = visibleNames(env);
  if (names === undefined) return listGpus(env);
  if (names[0] === "" || names[0]?.startsWith("-")) return [];
  const chosen = names.map((id) => askSmi(env, id));
  return chosen.every((answer) => "gpus" in answer) ? chosen.flatMap((answer) => answer.gpus) : listGpus(env);
}

/** Memory in use on the GPU of an index or UUID, by all processes, in megabytes (2^20 bytes), if nvidia-smi tells. */
export function usedGpuMemory(env: Environment, id: string): number | undefined {
  const flags = ["--query-gpu=memory.used", "--format=csv,noheader,nounits", `--id=${id}`];
  const text = print(env, flags);
  const megabytes = typeof text === "string" ? Number.parseInt(text, 10) : Number.NaN;
  return Number.isNaN(megabytes) ? undefined : megabytes;
}
