import { type CommandOptions, runCommand } from "./command.js";

/** One GPU as the NVIDIA driver reports it. */
export interface Gpu {
  readonly name: string;
  /** Compute capability, e.g. 9 for an H100; 8 and above have bfloat16. */
  readonly computeCapability: number;
  /** Version of the driver. */
  readonly driver: string;
}

/** A driver that does not answer within this time counts as absent. */
const TIMEOUT_SECONDS = 30;

const QUERY = ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"];

/** Reads lines such as `NVIDIA H100 80GB HBM3, 9.0, 550.54.15`. */
export function parseGpus(text: string): Gpu[] {
  const rows = text.split("\n").map((line) => line.split(",").map((cell) => cell.trim()));
  return rows.flatMap(([name, capability, driver]) =>
    name && capability && driver ? [{ name, computeCapability: Number(capability), driver }] : [],
  );
}

/** The GPUs that `nvidia-smi` reports; none where it is missing or fails. */
export async function listGpus(options: CommandOptions): Promise<Gpu[]> {
  const answer = await runCommand("nvidia-smi", QUERY, {
    ...options,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return answer.code === 0 ? parseGpus(answer.stdout) : [];
}
