import { deviceError } from "../../common/deviceMemory.js";
import { environmentError } from "../../common/errors.js";
import { gpuHolders, visibleNames } from "./nvidiaSmi.js";
import { askMemory } from "./probeProgram.js";
import { hasChosenGpu } from "./survey.js";
import type { Environment } from "./types.js";

/** Of an error on the GPU that a process chose; none where it has chosen none. @param env the process's */
export function memoryNote(env: Environment, pid: number): string | undefined {
  const id = visibleNames(env)?.[0];
  if (!hasChosenGpu() || id === undefined || id.startsWith("-")) return undefined;
  const memory = surveyMemory(env, id, pid);
  return memory && `GPU memory: ${memory.text}.`;
}

/**
 * TensorFlow would abort the process where it can make no context.
 * @throws environmentError for a GPU that is busy, full or broken
 */
export function refuseBusyGpu(env: Environment): void {
  const { error, code } = askMemory(env) ?? {};
  if (error === undefined || code === undefined) return;
  const failure = deviceError(error) ?? environmentError(`The GPU cannot be used: ${error}.`, "pefd doctor");
  throw Object.assign(failure, { cause: new Error(error) });
}

const GIGABYTE = 2 ** 30;
const gigabytes = (bytes: number): string => `${(bytes / GIGABYTE).toFixed(1)} GB`;

export interface GpuMemory {
  /** Whether a context can be made on it. */
  readonly ok: boolean;
  /** "0.4 of 79.6 GB are free; python (process 4242) holds 77.1 GB" */
  readonly text: string;
}

/** Processes shown, those with the most memory first. */
const MOST_HOLDERS = 3;

function holdersText(env: Environment, id: string, own: number | undefined): string {
  const holders = gpuHolders(env, id).sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const shown = holders.slice(0, MOST_HOLDERS).map(({ name, pid, bytes }) => {
    const who = pid === String(own) ? "this process" : `${name} (process ${pid})`;
    return `${who} holds ${bytes === undefined ? "some" : gigabytes(bytes)}`;
  });
  const more = holders.length > shown.length ? [`${holders.length - shown.length} more processes`] : [];
  return [...shown, ...more].join(", ");
}

/**
 * Free memory of a GPU, asked in a process of its own that makes a context on it, and who holds the rest as far as
 * nvidia-smi says so. Takes up to seconds.
 * @param id of CUDA_VISIBLE_DEVICES and nvidia-smi
 * @param pid of this process @returns undefined where the probe is not compiled or has no driver
 */
export function surveyMemory(env: Environment, id: string, pid?: number): GpuMemory | undefined {
  const answer = askMemory({ ...env, CUDA_VISIBLE_DEVICES: id });
  if (answer === undefined || (answer.code === undefined && answer.free === undefined)) return undefined;
  const ok = answer.free !== undefined && answer.total !== undefined;
  const state = ok
    ? `${((answer.free ?? 0) / GIGABYTE).toFixed(1)} of ${gigabytes(answer.total ?? 0)} are free`
    : answer.error;
  return { ok, text: [state, holdersText(env, id, pid)].filter(Boolean).join("; ") };
}
