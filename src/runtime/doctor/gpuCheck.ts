import { relative } from "node:path";
import type { GpuLibraries } from "../gpu/libraries.js";
import type { Outlook } from "../gpu/outlook.js";
import { unusedAdvice } from "../gpu/problems.js";
import { judgeGpu } from "../gpu/requirements.js";
import type { GpuSurvey } from "../gpu/survey.js";
import { cudaVersionText, cudnnVersionText, type Gpu } from "../gpu/types.js";
import type { RuntimeKind } from "../setup/wheels.js";
import type { Check } from "./check.js";
import type { Probe } from "./probe.js";

/** What there is to know about the GPU. */
export interface GpuSituation {
  readonly survey: GpuSurvey;
  readonly outlook: Outlook;
  /** The runtime that is installed. */
  readonly kind: RuntimeKind | undefined;
  readonly probe: Probe;
  /** PEFD_RUNTIME */
  readonly requested: string | undefined;
}

const GIGABYTE = 2 ** 30;

/** `NVIDIA H100 80GB HBM3, compute capability 9.0, 79.6 GB, driver 580.82.07` */
export function gpuLabel({ name, capability, memory, driver }: Gpu): string {
  return [
    name,
    ...(capability === undefined ? [] : [`compute capability ${capability}`]),
    ...(memory === undefined ? [] : [`${(memory / GIGABYTE).toFixed(1)} GB`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
  ].join(", ");
}

/** The other visible GPUs, with what stands against them. */
function others(used: Gpu, { gpus, cuda }: GpuSurvey): string[] {
  return gpus.flatMap((gpu, index) => {
    const verdict = judgeGpu(gpu, cuda);
    const trouble = verdict.fits ? "" : `; not usable: ${verdict.why}`;
    return gpu === used ? [] : [`--gpu ${index}: ${gpuLabel(gpu)}${trouble}`];
  });
}

const CHECK = { name: "gpu", title: "GPU", required: true } as const;

function unusedCheck(gpu: Gpu, { kind, probe }: GpuSituation): Check {
  const label = gpuLabel(gpu);
  if (kind === "cpu") {
    const detail = `NOT USED: ${label}; TensorFlow's CPU build is installed`;
    return { ...CHECK, ok: false, detail, hint: "PEFD_RUNTIME=gpu pefd setup" };
  }
  const reason = probe.reason || "TensorFlow did not say why";
  const hint = unusedAdvice(reason);
  return { ...CHECK, ok: false, detail: `NOT USED: ${label}; ${reason}`, hint };
}

function usedCheck(gpu: Gpu, { survey, outlook }: GpuSituation): Check {
  const note = outlook.state === "fits" && outlook.note !== undefined ? [outlook.note] : [];
  const trouble = survey.smiProblem === undefined ? [] : [survey.smiProblem];
  return {
    ...CHECK,
    ok: true,
    detail: gpuLabel(gpu),
    lines: [...others(gpu, survey), ...note, ...trouble],
  };
}

/**
 * Whether a GPU is used, and why not: that there is none is fine, that there is one which is not used is
 * not, unless PEFD_RUNTIME=cpu asks for it.
 */
export function gpuCheck(situation: GpuSituation): Check {
  const { outlook, probe, requested } = situation;
  if (outlook.state === "none") return { ...CHECK, ok: true, detail: `none (${outlook.why})` };
  if (requested === "cpu") {
    const what = outlook.state === "fits" ? gpuLabel(outlook.gpu) : outlook.why;
    return { ...CHECK, ok: true, detail: `left alone (PEFD_RUNTIME=cpu): ${what}` };
  }
  if (outlook.state === "fits") {
    return probe.usesGpu ? usedCheck(outlook.gpu, situation) : unusedCheck(outlook.gpu, situation);
  }
  const { why, hint } = outlook;
  const required = outlook.state === "unfit";
  return { ...CHECK, required, ok: false, detail: `NOT USED: ${why}`, hint };
}

/** A library with its version, where it tells one, and where it lies: in the runtime's folder, or elsewhere. */
function libraryLines({ libraries }: GpuLibraries, tree: string): string[] {
  const width = Math.max(...libraries.map(({ name }) => name.length));
  return libraries.map(({ name, file, error }) => {
    const inside = file !== undefined && !relative(tree, file).startsWith("..");
    const place = inside ? relative(tree, file) : (file ?? error ?? "");
    return `${name.padEnd(width)}  ${place}`;
  });
}

const versionOf = ({ libraries }: GpuLibraries, name: string): number | undefined =>
  libraries.find((library) => library.name === name)?.version;

/** The CUDA and cuDNN that serve, as far as they tell. */
export function libraryVersions(found: GpuLibraries) {
  const cuda = versionOf(found, "libcudart.so.12");
  const cudnn = versionOf(found, "libcudnn.so.9");
  return {
    ...(cuda !== undefined && { cuda: cudaVersionText(cuda) }),
    ...(cudnn !== undefined && { cudnn: cudnnVersionText(cudnn) }),
  };
}

/** Whether every library that a GPU takes opens, and which files serve. @param tree the runtime's folder */
export function gpuLibrariesCheck(found: GpuLibraries, tree: string, driverCuda?: number): Check {
  const check = { name: "gpuLibraries", title: "GPU libraries", required: true } as const;
  if (found.missing.length > 0) {
    const hint = "pefd setup; if LD_LIBRARY_PATH is set, unset it";
    return { ...check, ok: false, detail: found.missing.join("; "), hint };
  }
  const { cuda, cudnn } = libraryVersions(found);
  const driver =
    driverCuda === undefined ? "" : ` (the driver knows ${cudaVersionText(driverCuda)})`;
  const detail = `CUDA ${cuda ?? "?"}${driver}, cuDNN ${cudnn ?? "?"}, from ${tree}:`;
  return { ...check, ok: true, detail, lines: libraryLines(found, tree) };
}
