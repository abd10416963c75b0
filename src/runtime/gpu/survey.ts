import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeDirectory } from "../nativeFolder.js";
import { dependencies } from "../paths.js";
import { foreignCudnn } from "./foreign.js";
import { askSmi, type SmiAnswer, visibleGpus } from "./nvidiaSmi.js";
import { askCuda, type CudaAnswer } from "./probeProgram.js";
import { cudnnVersionText, type Environment, type Gpu } from "./types.js";

let known: GpuSurvey | undefined;

/** Keeps what was found: GPUs do not change while a process runs. */
export function rememberGpus(survey: GpuSurvey): void {
  known = survey;
}

/** Whether this process computes, or would, on one of the GPUs that were found. */
export const hasChosenGpu = (): boolean => known !== undefined && known.gpus.length > 0;

/** Survey of the GPUs, the chosen one first; cached. */
export function knownGpus(env: Environment): GpuSurvey {
  known ??= surveyGpus(env);
  return known;
}

/** Cache key of a program compiled for a GPU, besides itself, TensorFlow and XLA flags. */
export interface GpuIdentity {
  /** "NVIDIA H100 80GB HBM3" */
  readonly name: string;
  /** "9.0"; undefined if unknown. */
  readonly capability: string | undefined;
  /** "580.82.07" */
  readonly driver: string | undefined;
  /** "9.28.0" */
  readonly cudnn: string | undefined;
}

/** The GPU that TensorFlow will compute on, the first visible one, before it is loaded; undefined on a CPU. */
export function gpuIdentity({ gpus, cudnn }: GpuSurvey): GpuIdentity | undefined {
  const [gpu] = gpus;
  if (gpu === undefined) return undefined;
  const { name, capability, driver } = gpu;
  return { name, capability, driver, cudnn };
}

/** Signs of a GPU that need no driver to answer. */
interface Traces {
  /** GPUs by name as the kernel's driver lists them in /proc/driver/nvidia. */
  readonly models: readonly string[];
  /** Version of the kernel's driver, such as "550.54.15". */
  readonly driver: string | undefined;
  /** Device files of GPUs: /dev/nvidia0. */
  readonly deviceFiles: readonly string[];
  /** Display controllers of NVIDIA on the PCI bus, with or without a driver. */
  readonly onBus: number;
}

/** The names in a folder; none where it is not there or may not be read. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}

const NVIDIA = "0x10de";
/** Class of a display or 3D controller. */
const DISPLAY = /^0x03/;

/** Looks at what the kernel shows of NVIDIA's GPUs. @param root of the file system */
export function lookForTraces(root = "/"): Traces {
  const folder = join(root, "proc/driver/nvidia");
  const information = entries(join(folder, "gpus")).map((name) => read(join(folder, "gpus", name, "information")));
  const pci = join(root, "sys/bus/pci/devices");
  const isGpu = (name: string) =>
    read(join(pci, name, "vendor")).trim() === NVIDIA && DISPLAY.test(read(join(pci, name, "class")));
  return {
    models: information.map((text) => text.match(/^Model:\s*(.+)$/m)?.[1]?.trim() ?? "NVIDIA GPU"),
    driver: read(join(folder, "version")).match(/\b(\d{3,}\.\d+(?:\.\d+)?)\b/)?.[1],
    deviceFiles: entries(join(root, "dev")).filter((name) => /^nvidia\d+$/.test(name)),
    onBus: entries(pci).filter(isGpu).length,
  };
}

export interface GpuSurvey {
  /** The GPUs that CUDA_VISIBLE_DEVICES leaves visible, in CUDA's order. */
  readonly gpus: readonly Gpu[];
  /** Whether the CUDA driver itself listed them: only then can TensorFlow use them. */
  readonly answered: boolean;
  /** Why the CUDA driver did not list any, with its number where it has one. */
  readonly problem?: { readonly text: string; readonly code?: number };
  /** Why nvidia-smi listed none. */
  readonly smiProblem?: string;
  /** The CUDA version that the driver knows, 12050 for 12.5. */
  readonly cuda?: number;
  /** Version of cuDNN that TensorFlow will find, "9.28.0"; undefined where no GPU runtime is installed. */
  readonly cudnn?: string;
  /** Another cuDNN than setup's, which the loader would take. */
  readonly foreign?: string;
  readonly traces: Traces;
}

/** The driver's version as the name of libcuda's file tells it: libcuda.so.580.82.07. */
const libraryVersion = (file: string | undefined): string | undefined =>
  file?.match(/libcuda\.so\.(\d{3,}\.\d[\d.]*)$/)?.[1];

/** CUDA's GPUs, named as by nvidia-smi where it was asked: by UUID, or in its order where it gives none. */
function merged(answer: CudaAnswer, rows: readonly Gpu[], traces: Traces): Gpu[] {
  const driver = libraryVersion(answer.library) ?? rows[0]?.driver ?? traces.driver;
  const hasUuids = rows.some(({ uuid }) => uuid !== undefined);
  return (answer.devices ?? []).filter(Boolean).map((device, place) => {
    const row = hasUuids ? rows.find(({ uuid }) => uuid === device.uuid) : rows[place];
    return { ...device, name: row?.name ?? device.name, driver };
  });
}

const problemOf = ({ error, code }: CudaAnswer): GpuSurvey["problem"] => ({
  text: error ?? "the CUDA driver lists no GPU",
  ...(code !== undefined && { code }),
});

/** CUDA's order of GPUs, unless the user has set another: the PCI bus's, as in nvidia-smi, not the fastest first. */
export const deviceOrder = (env: Environment): Record<string, string> => ({
  CUDA_DEVICE_ORDER: env.CUDA_DEVICE_ORDER || "PCI_BUS_ID",
});

/** Where a survey looks, if not at this machine and the installed package. */
export interface SurveyPlaces {
  /** The compiled probe of the CUDA driver. */
  readonly probe?: string;
  /** Root of the file system. */
  readonly root?: string;
}

/** nvidia-smi takes seconds with many GPUs: it is not run if the CUDA driver reports everything. */
const askSmiToo = (env: Environment, answer: CudaAnswer | undefined): SmiAnswer =>
  answer?.devices?.length && libraryVersion(answer.library) ? { gpus: [] } : askSmi(env);

/** Asks the CUDA driver, whose word counts, nvidia-smi, and the kernel. Takes up to seconds where a GPU sleeps. */
export function surveyGpus(given: Environment, { probe, root }: SurveyPlaces = {}): GpuSurvey {
  const env = { ...given, ...deviceOrder(given) };
  const answer = askCuda(env, probe);
  const traces = lookForTraces(root);
  const smi = askSmiToo(env, answer);
  const rows = "gpus" in smi ? smi.gpus : [];
  const nativeFolder = nativeDirectory();
  const foreign = answer && nativeFolder && foreignCudnn(answer, dependencies(nativeFolder));
  const common = {
    traces,
    ...("problem" in smi && { smiProblem: smi.problem }),
    ...(answer?.cuda !== undefined && { cuda: answer.cuda }),
    ...(answer?.cudnn !== undefined && { cudnn: cudnnVersionText(answer.cudnn) }),
    ...(foreign !== undefined && { foreign }),
  };
  if (answer?.devices !== undefined && answer.devices.length > 0) {
    return { ...common, answered: true, gpus: merged(answer, rows, traces) };
  }
  const problem = answer && problemOf(answer);
  return {
    ...common,
    answered: false,
    gpus: rows.length > 0 ? visibleGpus(env) : [],
    ...(problem && { problem }),
  };
}
