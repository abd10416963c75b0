import { FOREIGN_HINT } from "./foreign.js";
import { visibleNames } from "./nvidiaSmi.js";
import { firstFit, judgeGpu } from "./requirements.js";
import type { GpuSurvey } from "./survey.js";
import type { Environment, Gpu } from "./types.js";

/** Hints for CUDA driver errors, by error number. */
const ADVICE: Readonly<Record<number, string>> = {
  3: "Load the driver's modules: sudo modprobe nvidia nvidia_uvm.",
  34: "LD_LIBRARY_PATH contains CUDA's stubs folder: remove it.",
  35: "Update the driver.",
  46: "Another process uses the GPU exclusively: nvidia-smi shows which.",
  100: "Check that CUDA_VISIBLE_DEVICES names a GPU of this machine; start a container with --gpus all.",
  101: "CUDA_VISIBLE_DEVICES names no GPU of this machine: nvidia-smi -L lists them.",
  304: "This user may not open /dev/nvidia*: see their permissions, or the container's.",
  802: "Start the fabric manager: sudo systemctl start nvidia-fabricmanager.",
  803: "The driver was updated while it was running: restart the machine.",
  804: "CUDA's compatibility libraries do not support this GPU: remove their folder from LD_LIBRARY_PATH.",
  999: "Load the module nvidia_uvm again (sudo modprobe -r nvidia_uvm; sudo modprobe nvidia_uvm), or restart the machine.",
};

const LIBRARY_MISSING =
  "In a container, start it with --gpus all (NVIDIA Container Toolkit); else install the NVIDIA driver.";

function driverAdvice(problem: { readonly text: string; readonly code?: number }): string {
  if (problem.code !== undefined) return ADVICE[problem.code] ?? "nvidia-smi shows the driver's state.";
  return /cannot open shared object/.test(problem.text) ? LIBRARY_MISSING : "nvidia-smi shows the driver's state.";
}

/** Hints for driver libraries that TensorFlow could not load, by name. */
const DRIVER_LIBRARIES: Readonly<Record<string, string>> = {
  "libnvidia-ml.so.1":
    "In a container, start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility; else install the complete NVIDIA driver.",
  "libcuda.so.1": LIBRARY_MISSING,
};

/** The hint where the driver works but TensorFlow uses no GPU. @param reason TensorFlow's own words */
export function unusedAdvice(reason: string): string {
  const known = Object.entries(DRIVER_LIBRARIES).find(([name]) => reason.includes(name));
  return known?.[1] ?? "pefd setup";
}

/** GPU usability, judged before TensorFlow is loaded or installed. */
export type Outlook =
  /** No sign of a GPU, or CUDA_VISIBLE_DEVICES hides it. */
  | { readonly state: "none"; readonly why: string }
  /** A GPU that this runtime can compute on. */
  | { readonly state: "fits"; readonly gpu: Gpu; readonly note?: string }
  /** A GPU is there, and it cannot be used as things are. */
  | { readonly state: "unfit"; readonly why: string; readonly hint: string }
  /** A sign of a GPU, which may as well be a GPU without NVIDIA's driver, or tools without a GPU. */
  | { readonly state: "doubtful"; readonly why: string; readonly hint: string };

/** Whether CUDA_VISIBLE_DEVICES leaves nothing visible, as somebody wants it. */
function isHidden(env: Environment): boolean {
  const first = visibleNames(env)?.[0];
  return first !== undefined && (first === "" || first.startsWith("-"));
}

const USE_CPU = "Or use the CPU: PEFD_RUNTIME=cpu pefd setup";

const unfit = (why: string, hint: string): Outlook => ({
  state: "unfit",
  why,
  hint: `${hint} ${USE_CPU}`,
});

function outlookOf(gpu: Gpu, { answered, problem, cuda, foreign }: GpuSurvey): Outlook {
  const verdict = judgeGpu(gpu, cuda);
  if (!verdict.fits) return unfit(verdict.why, verdict.hint);
  if (foreign !== undefined) return { state: "unfit", why: `the loader finds ${foreign}`, hint: FOREIGN_HINT };
  if (answered || problem === undefined) return { state: "fits", gpu, ...verdict };
  return unfit(`found ${gpu.name}, but ${problem.text}`, driverAdvice(problem));
}

/** CUDA's number for a driver that finds no GPU at all. */
const NO_DEVICE = 100;

/** A GPU that no tool lists, by what it leaves behind; undefined where there is no sign of one. */
function hiddenSign({ problem, smiProblem, traces }: GpuSurvey): Outlook | undefined {
  const [model] = traces.models;
  const trouble = problem ?? { text: smiProblem ?? "it is not listed" };
  if (model !== undefined || traces.deviceFiles.length > 0) {
    const what = model ?? `/dev/${traces.deviceFiles[0]}`;
    return unfit(`found ${what}, but ${trouble.text}`, driverAdvice(trouble));
  }
  if (problem?.code !== undefined && problem.code !== NO_DEVICE) {
    return unfit(`found the NVIDIA driver, but ${problem.text}`, driverAdvice(problem));
  }
  if (traces.onBus > 0) {
    const why = "there is an NVIDIA GPU on the PCI bus, but no working driver";
    return { state: "doubtful", why, hint: "Install the NVIDIA driver to use it." };
  }
  if (smiProblem?.startsWith("nvidia-smi failed")) {
    return { state: "doubtful", why: smiProblem, hint: "Check the NVIDIA driver to use a GPU." };
  }
  return undefined;
}

/** Usability of the first fit visible GPU, or of the first. */
export function gpuOutlook(survey: GpuSurvey, env: Environment): Outlook {
  // Another cuDNN made this process hide what it had found.
  const hidesOwn = survey.foreign !== undefined && survey.gpus.length > 0;
  if (isHidden(env) && !hidesOwn) return { state: "none", why: "CUDA_VISIBLE_DEVICES hides all" };
  const gpu = survey.gpus[firstFit(survey.gpus, survey.cuda)];
  if (gpu !== undefined) return outlookOf(gpu, survey);
  return hiddenSign(survey) ?? { state: "none", why: "no GPU found" };
}
