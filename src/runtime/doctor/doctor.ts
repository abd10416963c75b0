import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { compiledDamage } from "../compiledFiles.js";
import { processorName } from "../device.js";
import { checkLibraries, type GpuLibraries } from "../gpu/libraries.js";
import { gpuOutlook } from "../gpu/outlook.js";
import { type GpuSurvey, surveyGpus } from "../gpu/survey.js";
import { nativeDirectory } from "../nativeFolder.js";
import { bindingFile, dependencies, gpuProbeFile } from "../paths.js";
import { type LinkedRuntime, linkedRuntime } from "../setup/installed.js";
import { missingFiles } from "../setup/tree.js";
import type { Check, Diagnosis } from "./check.js";
import { filesCheck } from "./deepCheck.js";
import { type GpuSituation, gpuCheck, gpuLibrariesCheck, libraryVersions } from "./gpuCheck.js";
import { type Probe, probeTensorFlow } from "./probe.js";

/** The data folder as the command line resolves it. */
export interface DataFound {
  readonly directory: string;
  /** Records in its two files, or what is wrong with them. */
  readonly records:
    | { readonly train: number; readonly test: number }
    | { readonly problem: string; readonly hint?: string | undefined };
}

/** What a diagnosis looks at. */
export interface Patient {
  /** The running Node.js: process.version and process.execPath. */
  readonly node: { readonly version: string; readonly program: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly data: DataFound;
  /** Whether every byte of the installed libraries is looked at. */
  readonly deep?: boolean;
  /** Loads TensorFlow; probeTensorFlow where left out. */
  readonly probe?: () => Promise<Probe>;
  /** What is known of the GPUs; asked for where left out. */
  readonly survey?: GpuSurvey;
}

/** Major versions of Node.js on which pefd is tested; others from the first on may do. */
const TESTED_NODE = [20, 22, 24];
const SETUP = "pefd setup";

function nodeCheck(version: string): Check {
  const major = Number.parseInt(version.replace("v", ""), 10);
  const ok = major >= (TESTED_NODE[0] ?? 0);
  const tested = TESTED_NODE.includes(major) ? "" : ` (tested are ${TESTED_NODE.join(", ")})`;
  const check = { name: "node", title: "Node.js", ok, required: true } as const;
  const detail = `${version}${tested}`;
  return ok ? { ...check, detail } : { ...check, detail, hint: "Install Node.js 22 or 24." };
}

function bindingCheck(folder: string | undefined): Check {
  const file = folder === undefined ? undefined : bindingFile(folder);
  const check = { name: "binding", title: "Binding", required: true } as const;
  if (folder === undefined || file === undefined || !existsSync(file)) {
    return { ...check, ok: false, detail: "not built", hint: SETUP };
  }
  const damage = compiledDamage(folder);
  if (damage?.length === 0) return { ...check, ok: true, detail: file };
  const detail =
    damage?.map(({ words }) => words).join("; ") ??
    "set-up was interrupted, or was that of an earlier version";
  return { ...check, ok: false, detail, hint: SETUP };
}

function libraryCheck(folder: string | undefined): Check {
  const library = folder && join(dependencies(folder), "lib/libtensorflow.so");
  const check = { name: "libtensorflow", title: "libtensorflow", required: true } as const;
  if (!library || !existsSync(library)) {
    return { ...check, ok: false, detail: "not there", hint: SETUP };
  }
  const linked = linkedRuntime(folder);
  const missing = linked === undefined ? [] : missingFiles(linked.tree, linked.kind);
  const path = realpathSync(library);
  if (missing.length === 0) return { ...check, ok: true, detail: path };
  const detail = `${path} is incomplete; missing or cut short: ${missing.join(", ")}`;
  return { ...check, ok: false, detail, hint: SETUP };
}

function tensorFlowCheck({ version, reason }: Probe): Check {
  const check = { name: "tensorflow", title: "TensorFlow", required: true } as const;
  return version !== undefined
    ? { ...check, ok: true, detail: version }
    : { ...check, ok: false, detail: `does not load: ${reason}`, hint: SETUP };
}

function convolutionsCheck({ usesGpu, ownModule }: Probe): Check {
  const check = { name: "convolutions", title: "Convolutions", required: false } as const;
  if (usesGpu) return { ...check, ok: true, detail: "cuDNN's" };
  if (ownModule?.problem !== undefined) {
    const detail = `TensorFlow's, which are slower: pefd's own do not load: ${ownModule.problem}`;
    return { ...check, ok: false, detail, hint: SETUP };
  }
  const own = ownModule?.instructions;
  const reduced = ownModule?.reduced === undefined ? "" : `; in bfloat16 ${ownModule.reduced.how}`;
  const detail = own === undefined ? "TensorFlow's" : `pefd's own, ${own}${reduced}`;
  return { ...check, ok: true, detail };
}

/** Who decodes and resizes images that come as files: the bytes are the same whoever resizes. */
function imagesCheck({ ownModule }: Probe): Check {
  const check = { name: "images", title: "Images", required: false } as const;
  const decoded = "decoded by TensorFlow, resized ";
  if (ownModule?.instructions !== undefined) {
    return { ...check, ok: true, detail: `${decoded}by pefd's own compiled code` };
  }
  const detail = `${decoded}in plain JavaScript, which is slower and gives the same bytes`;
  const isBroken = ownModule?.problem !== undefined;
  return { ...check, ok: !isBroken, detail, ...(isBroken ? { hint: SETUP } : {}) };
}

function dataCheck({ directory, records }: DataFound): Check {
  const check = { name: "data", title: "Data", required: false } as const;
  if ("problem" in records) {
    const { hint = "pefd data fetch, or: pefd data synthesize --out DIR, then --data DIR" } =
      records;
    return { ...check, ok: false, detail: records.problem, hint };
  }
  const { train, test } = records;
  return { ...check, ok: true, detail: `${directory} (${train} training, ${test} test images)` };
}

/** The libraries of an installed GPU runtime, opened one by one; undefined where there is none. */
function librariesOf(
  folder: string | undefined,
  linked: LinkedRuntime | undefined,
  env: Patient["env"],
): GpuLibraries | undefined {
  if (folder === undefined || linked?.kind !== "gpu") return undefined;
  return checkLibraries(env, gpuProbeFile(folder), linked.tree);
}

/** The GPU in use, for programs. */
function usedGpu(
  { outlook, probe }: GpuSituation,
  libraries: GpuLibraries | undefined,
): Pick<Diagnosis, "gpu"> {
  if (!probe.usesGpu || outlook.state !== "fits") return {};
  const { name, capability, driver, memory } = outlook.gpu;
  const found = libraries ?? { libraries: [], missing: [] };
  const files = found.libraries.map(({ name: library, file }) => [library, file ?? ""]);
  return {
    gpu: {
      ...{ name, capability, driver, memory, ...libraryVersions(found) },
      libraries: Object.fromEntries(files),
    },
  };
}

/**
 * Looks at everything that pefd needs: Node.js, binding, libtensorflow, whether TensorFlow loads, GPU, data.
 * Changes nothing.
 */
export async function diagnose(patient: Patient): Promise<Diagnosis> {
  const { node, env, data } = patient;
  const folder = nativeDirectory();
  const probe = await (patient.probe ?? (() => probeTensorFlow(node.program, env)))();
  const linked = folder === undefined ? undefined : linkedRuntime(folder);
  const survey = patient.survey ?? surveyGpus(env);
  const outlook = gpuOutlook(survey, env);
  const situation = { survey, outlook, kind: linked?.kind, probe, requested: env.PEFD_RUNTIME };
  const libraries = librariesOf(folder, linked, env);
  const checks: Check[] = [
    nodeCheck(node.version),
    bindingCheck(folder),
    libraryCheck(folder),
    ...(patient.deep ? [await filesCheck(linked, folder)] : []),
    tensorFlowCheck(probe),
    ...(probe.version === undefined ? [] : [convolutionsCheck(probe), imagesCheck(probe)]),
    { name: "cpu", title: "Processor", ok: true, required: true, detail: processorName() },
    gpuCheck(situation),
    ...(libraries ? [gpuLibrariesCheck(libraries, linked?.tree ?? "", survey.cuda)] : []),
    dataCheck(data),
  ];
  const ok = checks.every((check) => check.ok || !check.required);
  return { ok, checks, ...usedGpu(situation, libraries) };
}
