import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Check, Diagnosis } from "./check.js";
import { filesCheck } from "./deepCheck.js";
import { processorName } from "./device.js";
import { gpuCheck } from "./gpuCheck.js";
import { linkedRuntime } from "./installed.js";
import { visibleGpus } from "./nvidia.js";
import { bindingFile, dependencies, packageDirectory } from "./paths.js";
import { type Probe, probeTensorFlow } from "./probe.js";
import { treeIsComplete } from "./tree.js";

/** The data folder as the command line resolves it. */
export interface DataFound {
  readonly directory: string;
  /** Records in its two files, or what is wrong with them. */
  readonly records:
    | { readonly train: number; readonly test: number }
    | { readonly problem: string };
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
}

/** Major versions of Node.js on which pefd is tested; others from the first on may do. */
const TESTED_NODE = [20, 22, 24];
const SETUP = "npm run setup";

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
  return file !== undefined && existsSync(file)
    ? { ...check, ok: true, detail: file }
    : { ...check, ok: false, detail: "not built", hint: SETUP };
}

function libraryCheck(folder: string | undefined): Check {
  const library = folder && join(dependencies(folder), "lib/libtensorflow.so");
  const check = { name: "libtensorflow", title: "libtensorflow", required: true } as const;
  if (!library || !existsSync(library)) {
    return { ...check, ok: false, detail: "not there", hint: SETUP };
  }
  const linked = linkedRuntime(folder);
  const isWhole = linked === undefined || treeIsComplete(linked.tree, linked.kind);
  const path = realpathSync(library);
  return isWhole
    ? { ...check, ok: true, detail: path }
    : { ...check, ok: false, detail: `incomplete: ${path}`, hint: SETUP };
}

function tensorFlowCheck({ version, reason }: Probe): Check {
  const check = { name: "tensorflow", title: "TensorFlow", required: true } as const;
  return version !== undefined
    ? { ...check, ok: true, detail: version }
    : { ...check, ok: false, detail: `does not load: ${reason}`, hint: SETUP };
}

function convolutionsCheck({ usesGpu, convolutions }: Probe): Check {
  const check = { name: "convolutions", title: "Convolutions", required: false } as const;
  if (usesGpu) return { ...check, ok: true, detail: "cuDNN's" };
  if (convolutions?.problem !== undefined) {
    const detail = `TensorFlow's, which are slower: pefd's own do not load: ${convolutions.problem}`;
    return { ...check, ok: false, detail, hint: SETUP };
  }
  const own = convolutions?.instructions;
  return { ...check, ok: true, detail: own === undefined ? "TensorFlow's" : `pefd's own, ${own}` };
}

function dataCheck({ directory, records }: DataFound): Check {
  const check = { name: "data", title: "Data", required: false } as const;
  if ("problem" in records) {
    const hint = "pefd data fetch, or: pefd data synthesize --out DIR, then --data DIR";
    return { ...check, ok: false, detail: records.problem, hint };
  }
  const { train, test } = records;
  return { ...check, ok: true, detail: `${directory} (${train} training, ${test} test images)` };
}

/**
 * Looks at everything that pefd needs: Node.js, binding, libtensorflow, whether TensorFlow loads, GPU, data.
 * Changes nothing.
 */
export async function diagnose(patient: Patient): Promise<Diagnosis> {
  const { node, env, data } = patient;
  const folder = packageDirectory();
  const probe = await (patient.probe ?? (() => probeTensorFlow(node.program, env)))();
  const kind = folder === undefined ? undefined : linkedRuntime(folder)?.kind;
  const checks: Check[] = [
    nodeCheck(node.version),
    bindingCheck(folder),
    libraryCheck(folder),
    ...(patient.deep
      ? [await filesCheck(folder === undefined ? undefined : linkedRuntime(folder))]
      : []),
    tensorFlowCheck(probe),
    ...(probe.version === undefined ? [] : [convolutionsCheck(probe)]),
    { name: "cpu", title: "Processor", ok: true, required: true, detail: processorName() },
    gpuCheck({ gpus: visibleGpus(env), kind, probe, requested: env.PEFD_RUNTIME }),
    dataCheck(data),
  ];
  return { ok: checks.every(({ ok, required }) => ok || !required), checks };
}
