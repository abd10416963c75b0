import { spawnSync } from "node:child_process";

type Environment = Readonly<Record<string, string | undefined>>;

/** One GPU as the NVIDIA driver reports it. */
export interface Gpu {
  readonly name: string;
  /** Compute capability, e.g. 9 for an H100; 8 and above have bfloat16. */
  readonly computeCapability: number;
  /** Version of the driver. */
  readonly driver: string;
}

/** A driver that does not answer within this time counts as absent. */
const TIMEOUT_MILLISECONDS = 30_000;

const QUERY = ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"];

/** Reads lines such as `NVIDIA H100 80GB HBM3, 9.0, 550.54.15`. */
export function parseGpus(text: string): Gpu[] {
  const rows = text.split("\n").map((line) => line.split(",").map((cell) => cell.trim()));
  return rows.flatMap(([name, capability, driver]) =>
    name && capability && driver ? [{ name, computeCapability: Number(capability), driver }] : [],
  );
}

/** What nvidia-smi prints; undefined where it is missing or fails. */
function print(env: Environment, flags: readonly string[]): string | undefined {
  const answer = spawnSync("nvidia-smi", flags, {
    env,
    encoding: "utf8",
    timeout: TIMEOUT_MILLISECONDS,
  });
  return answer.status === 0 ? answer.stdout : undefined;
}

function ask(env: Environment, selection: readonly string[]): Gpu[] | undefined {
  const text = print(env, [...QUERY, ...selection]);
  return text === undefined ? undefined : parseGpus(text);
}

/** The GPUs of this machine by nvidia-smi; none where it is missing or fails. */
export const listGpus = (env: Environment): Gpu[] => ask(env, []) ?? [];

/** Those of them that CUDA_VISIBLE_DEVICES leaves visible to CUDA, in its order. */
export function visibleGpus(env: Environment): Gpu[] {
  const visible = env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) return listGpus(env);
  if (visible.trim() === "" || visible.trim().startsWith("-")) return [];
  const chosen = visible.split(",").map((id) => ask(env, [`--id=${id.trim()}`]));
  return chosen.every((answer) => answer !== undefined) ? chosen.flat() : listGpus(env);
}

const MEMORY_QUERY = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"];

/**
 * Memory in use on the first visible GPU, whoever uses it: in a container nvidia-smi cannot tell processes apart.
 * @returns megabytes (2^20 bytes), or undefined where nvidia-smi does not tell
 */
export function usedGpuMemory(env: Environment): number | undefined {
  const first = env.CUDA_VISIBLE_DEVICES?.split(",")[0]?.trim();
  const text = print(env, [...MEMORY_QUERY, `--id=${first || "0"}`]);
  const megabytes = Number.parseInt(text ?? "", 10);
  return Number.isNaN(megabytes) ? undefined : megabytes;
}
