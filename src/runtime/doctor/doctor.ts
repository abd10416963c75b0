import { createHash } from "node:crypto";
import { createReadStream, existsSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { shellWord } from "../../common/text.js";
import { compiledDamage, readCompiled } from "../compiledFiles.js";
import { cpuName } from "../device.js";
import { nameOf } from "../gpu/choose.js";
import { FOREIGN_HINT, foreignLibraries } from "../gpu/foreign.js";
import { memoryText, surveyMemory } from "../gpu/memory.js";
import { gpuOutlook, type Outlook, unusedAdvice } from "../gpu/outlook.js";
import { checkLibraries, type GpuLibraries } from "../gpu/probeProgram.js";
import { judgeGpu } from "../gpu/requirements.js";
import { deviceOrder, type GpuSurvey, surveyGpus } from "../gpu/survey.js";
import { cudaVersionText, cudnnVersionText, type Gpu } from "../gpu/types.js";
import { nativeDirectory } from "../nativeFolder.js";
import { bindingFile, compiledRecord, dependencies, gpuProbeFile } from "../paths.js";
import type { UnpackedFile } from "../setup/files.js";
import { type LinkedRuntime, linkedRuntime, missingFiles, recordedFiles } from "../setup/tree.js";
import type { RuntimeKind } from "../setup/wheels.js";
import { type Probe, probeTensorFlow } from "./probe.js";

/** One thing that pefd needs or can use. */
export interface Check {
  readonly name:
    | "node"
    | "binding"
    | "libtensorflow"
    | "files"
    | "tensorflow"
    | "convolutions"
    | "images"
    | "cpu"
    | "gpu"
    | "gpuMemory"
    | "gpuLibraries"
    | "arithmetic"
    | "data";
  readonly title: string;
  readonly ok: boolean;
  /** Whether pefd cannot do its work without. */
  readonly required: boolean;
  /** Details, or the problem. */
  readonly detail: string;
  /** Further notes, one per line. */
  readonly lines?: readonly string[];
  readonly hint?: string;
}

interface Diagnosis {
  /** Whether everything required is ok. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** The GPU that TensorFlow computes on, if it does. */
  readonly gpu?: {
    readonly name: string;
    readonly capability: string | undefined;
    readonly driver: string | undefined;
    readonly memory: number | undefined;
    /** Version of the CUDA and cuDNN that serve, and the file of each library. */
    readonly cuda?: string;
    readonly cudnn?: string;
    readonly libraries: Readonly<Record<string, string>>;
  };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The files of which a byte is another one than setup unpacked, or which cannot be read. */
async function changedIn(tree: string, files: readonly UnpackedFile[]): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, sha256 } of files) {
    const found = await sha256Of(join(tree, path)).catch(() => undefined);
    if (found !== sha256) changed.push(path);
  }
  return changed;
}

const gigabytes = (files: readonly UnpackedFile[]): string =>
  (files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9).toFixed(1);

const check = { name: "files", title: "Its files", required: true } as const;

/** "one, two, ..." */
const some = (names: readonly string[]): string =>
  `${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;

/** Compares every byte of libraries and compiled files with the record: a flipped bit changes no size. */
export async function filesCheck(linked: LinkedRuntime | undefined, nativeFolder?: string): Promise<Check> {
  if (linked === undefined) {
    return { ...check, ok: true, detail: "not installed by pefd; no checksums" };
  }
  const { tree, kind } = linked;
  const record = nativeFolder === undefined ? undefined : compiledRecord(nativeFolder);
  const compiled = record === undefined ? [] : (readCompiled(record) ?? []);
  const files = recordedFiles(tree, kind);
  const again = `rm -r ${shellWord(tree)}, then: pefd setup`;
  if (files.length === 0 || files.some(({ sha256 }) => sha256 === undefined)) {
    const detail = "installed by an earlier version, which recorded no checksums";
    return { ...check, required: false, ok: false, detail, hint: again };
  }
  const changed = await changedIn(tree, files);
  const recompiled = await changedIn(dirname(record ?? ""), compiled);
  if (changed.length + recompiled.length === 0) {
    const all = [...files, ...compiled];
    const detail = `${all.length} files, ${gigabytes(all)} GB, all checksums match`;
    return { ...check, ok: true, detail };
  }
  const detail = `changed since installation: ${some([...recompiled, ...changed])}`;
  return { ...check, ok: false, detail, hint: changed.length === 0 ? "pefd setup" : again };
}

interface GpuSituation {
  readonly survey: GpuSurvey;
  readonly outlook: Outlook;
  readonly kind: RuntimeKind | undefined;
  readonly probe: Probe;
  /** PEFD_RUNTIME */
  readonly requested: string | undefined;
}

/** `NVIDIA H100 80GB HBM3, compute capability 9.0, 79.6 GB, driver 580.82.07` */
function gpuLabel({ name, capability, memory, driver }: Gpu): string {
  return [
    name,
    ...(capability === undefined ? [] : [`compute capability ${capability}`]),
    ...(memory === undefined ? [] : [memoryText(memory)]),
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
  return { ...CHECK, ok: true, detail: gpuLabel(gpu), lines: [...others(gpu, survey), ...note, ...trouble] };
}

/** Whether a GPU is used, and why not; one that is there and unused is not ok, unless PEFD_RUNTIME=cpu asks for it. */
export function gpuCheck(situation: GpuSituation): Check {
  const { outlook, probe, requested } = situation;
  if (outlook.state === "none") return { ...CHECK, ok: true, detail: `none (${outlook.why})` };
  if (requested === "cpu") {
    const what = outlook.state === "fits" ? gpuLabel(outlook.gpu) : outlook.why;
    return { ...CHECK, ok: true, detail: `not used (PEFD_RUNTIME=cpu): ${what}` };
  }
  if (outlook.state === "fits") {
    return probe.usesGpu ? usedCheck(outlook.gpu, situation) : unusedCheck(outlook.gpu, situation);
  }
  const { why, hint } = outlook;
  const required = outlook.state === "unfit";
  return { ...CHECK, required, ok: false, detail: `NOT USED: ${why}`, hint };
}

/** A library with its version, where it has one, and where it lies: in the runtime's folder, or elsewhere. */
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

function libraryVersions(found: GpuLibraries) {
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
  const foreign = foreignLibraries(found.libraries, tree);
  if (foreign.length > 0) {
    return { ...check, ok: false, detail: `NOT USED: the loader finds ${foreign.join("; ")}`, hint: FOREIGN_HINT };
  }
  const { cuda, cudnn } = libraryVersions(found);
  const driver = driverCuda === undefined ? "" : ` (the driver supports ${cudaVersionText(driverCuda)})`;
  const detail = `CUDA ${cuda ?? "?"}${driver}, cuDNN ${cudnn ?? "?"}, from ${tree}:`;
  return { ...check, ok: true, detail, lines: libraryLines(found, tree) };
}

/** Free memory of the GPU that would be used; none where it is not asked. */
function memoryCheck({ gpus }: GpuSurvey, outlook: Outlook, env: DoctorInputs["env"]): Check[] {
  const at = outlook.state === "fits" ? gpus.indexOf(outlook.gpu) : -1;
  const memory = at < 0 ? undefined : surveyMemory({ ...env, ...deviceOrder(env) }, nameOf(env, at));
  if (memory === undefined) return [];
  const { ok, text: detail } = memory;
  const check = { name: "gpuMemory", title: "GPU memory", required: true, detail } as const;
  return [ok ? { ...check, ok } : { ...check, ok, hint: "--gpu N uses another GPU; PEFD_RUNTIME=cpu the CPU." }];
}

/** The data folder as the command line resolves it. */
export interface DataFound {
  readonly directory: string;
  /** Records in its two files, or what is wrong with them. */
  readonly records:
    | { readonly train: number; readonly test: number }
    | { readonly problem: string; readonly hint?: string | undefined };
}

export interface DoctorInputs {
  /** The running Node.js: process.version and process.execPath. */
  readonly node: { readonly version: string; readonly program: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly data: DataFound;
  /** Whether every byte of the installed libraries is looked at. */
  readonly deep?: boolean;
  /** More checks, where TensorFlow loads. */
  readonly more?: () => Promise<Check>;
  /** Loads TensorFlow; probeTensorFlow by default. */
  readonly probe?: () => Promise<Probe>;
  /** Survey of the GPUs; taken if absent. */
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
  const detail = damage?.map(({ words }) => words).join("; ") ?? "setup was interrupted, or is from an earlier version";
  return { ...check, ok: false, detail, hint: SETUP };
}

function libraryCheck(folder: string | undefined): Check {
  const library = folder && join(dependencies(folder), "lib/libtensorflow.so");
  const check = { name: "libtensorflow", title: "libtensorflow", required: true } as const;
  if (!library || !existsSync(library)) {
    return { ...check, ok: false, detail: "not found", hint: SETUP };
  }
  const linked = linkedRuntime(folder);
  const missing = linked === undefined ? [] : missingFiles(linked.tree, linked.kind);
  const path = realpathSync(library);
  if (missing.length === 0) return { ...check, ok: true, detail: path };
  const detail = `${path} is incomplete; missing or cut short: ${missing.join(", ")}`;
  return { ...check, ok: false, detail, hint: SETUP };
}

function tensorFlowCheck({ version, reason, hint = SETUP }: Probe): Check {
  const check = { name: "tensorflow", title: "TensorFlow", required: true } as const;
  return version !== undefined
    ? { ...check, ok: true, detail: version }
    : { ...check, ok: false, detail: `does not load: ${reason}`, hint };
}

function convolutionsCheck({ usesGpu, ownModule }: Probe): Check {
  const check = { name: "convolutions", title: "Convolutions", required: false } as const;
  if (usesGpu) return { ...check, ok: true, detail: "cuDNN's" };
  if (ownModule?.problem !== undefined) {
    const detail = `TensorFlow's (slower): pefd's own do not load: ${ownModule.problem}`;
    return { ...check, ok: false, detail, hint: SETUP };
  }
  const own = ownModule?.instructions;
  const reduced = ownModule?.reduced === undefined ? "" : `; bfloat16 ${ownModule.reduced.how}`;
  const detail = own === undefined ? "TensorFlow's" : `pefd's own, ${own}${reduced}`;
  return { ...check, ok: true, detail };
}

/** Implementations that decode and resize image files; both resizers give the same bytes. */
function imagesCheck({ ownModule }: Probe): Check {
  const check = { name: "images", title: "Images", required: false } as const;
  const decoded = "decoded by TensorFlow, resized ";
  if (ownModule?.instructions !== undefined) {
    return { ...check, ok: true, detail: `${decoded}by pefd's own compiled code` };
  }
  const detail = `${decoded}in JavaScript (slower, same bytes)`;
  const isBroken = ownModule?.problem !== undefined;
  return { ...check, ok: !isBroken, detail, ...(isBroken ? { hint: SETUP } : {}) };
}

function dataCheck({ directory, records }: DataFound): Check {
  const check = { name: "data", title: "Data", required: false } as const;
  if ("problem" in records) {
    const { hint = "pefd data fetch, or: pefd data synthesize --out DIR, then --data DIR" } = records;
    return { ...check, ok: false, detail: records.problem, hint };
  }
  const { train, test } = records;
  return { ...check, ok: true, detail: `${directory} (${train} training, ${test} test images)` };
}

/** The libraries of an installed GPU runtime, opened one by one; undefined where there is none. */
function librariesOf(
  folder: string | undefined,
  linked: LinkedRuntime | undefined,
  env: DoctorInputs["env"],
): GpuLibraries | undefined {
  if (folder === undefined || linked?.kind !== "gpu") return undefined;
  return checkLibraries(env, gpuProbeFile(folder), linked.tree);
}

function usedGpu({ outlook, probe }: GpuSituation, libraries: GpuLibraries | undefined): Pick<Diagnosis, "gpu"> {
  if (!probe.usesGpu || outlook.state !== "fits") return {};
  const { name, capability, driver, memory } = outlook.gpu;
  const found = libraries ?? { libraries: [], missing: [] };
  const files = found.libraries.map(({ name: library, file }) => [library, file ?? ""]);
  return { gpu: { name, capability, driver, memory, ...libraryVersions(found), libraries: Object.fromEntries(files) } };
}

/** Looks at everything that pefd needs: Node.js, binding, libtensorflow, GPU, data. Changes nothing. */
export async function diagnose(inputs: DoctorInputs): Promise<Diagnosis> {
  const { node, env, data } = inputs;
  const folder = nativeDirectory();
  const probe = await (inputs.probe ?? (() => probeTensorFlow(node.program, env)))();
  const linked = folder === undefined ? undefined : linkedRuntime(folder);
  const survey = inputs.survey ?? surveyGpus(env);
  const outlook = gpuOutlook(survey, env);
  const situation = { survey, outlook, kind: linked?.kind, probe, requested: env.PEFD_RUNTIME };
  const libraries = librariesOf(folder, linked, env);
  const checks: Check[] = [
    nodeCheck(node.version),
    bindingCheck(folder),
    libraryCheck(folder),
    ...(inputs.deep ? [await filesCheck(linked, folder)] : []),
    tensorFlowCheck(probe),
    ...(probe.version === undefined ? [] : [convolutionsCheck(probe), imagesCheck(probe)]),
    { name: "cpu", title: "CPU", ok: true, required: true, detail: cpuName() },
    gpuCheck(situation),
    ...(env.PEFD_RUNTIME === "cpu" || inputs.survey ? [] : memoryCheck(survey, outlook, env)),
    ...(libraries ? [gpuLibrariesCheck(libraries, linked?.tree ?? "", survey.cuda)] : []),
    ...(inputs.more && probe.version !== undefined ? [await inputs.more()] : []),
    dataCheck(data),
  ];
  const ok = checks.every((check) => check.ok || !check.required);
  return { ok, checks, ...usedGpu(situation, libraries) };
}
