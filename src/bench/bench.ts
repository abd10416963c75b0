import { inputError, PefdError } from "../common/errors.js";
import { median } from "../common/median.js";
import { procText } from "../common/processMark.js";
import { engineNames } from "../compile/program.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import { namesIn } from "../distill/combination.js";
import { methodRow } from "../distill/registry.js";
import { variablesOf } from "../learn/learner.js";
import { teacherLearner } from "../learn/learners.js";
import { surveyModel } from "../models/survey.js";
import { computeCapability, deviceMemory, deviceName, deviceWarning, isGpu } from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { loadTensorFlow } from "../runtime/tf.js";
import { epochParts } from "../train/calls.js";
import { fastestOf } from "../train/engine.js";
import { teacherAhead } from "../train/teacherAhead.js";
import { close, measure, type Runner, startAll, takeTurns, timingOf } from "./measure.js";
import type { Cost, ImageKind, Timing, Variant, Work, WorkName, WorkSize } from "./types.js";
import { CIFAR100_KIND, evaluationWork, initialised, timedStudent, trainingWork } from "./work.js";

const SEED = 10;

/** As many as CIFAR-100's training images, for memory banks of that size. */
const labelsOf = ({ classes }: ImageKind): Int32Array =>
  Int32Array.from({ length: 50_000 }, (_, image) => image % classes);

/** The student's classes, and its image size unless given. */
function imageKindOf({ student, imageSize }: Pick<Pair, "student" | "imageSize">): ImageKind {
  const made = surveyModel(student);
  return { side: imageSize ?? made.imageSize, classes: made.numClasses };
}

interface Pair {
  readonly teacher: string;
  readonly student: string;
  readonly method: string;
  readonly ahead?: number | undefined;
  /** The student's by default. */
  readonly imageSize?: number | undefined;
}

const taskOf = ({ classes, side }: ImageKind) => ({ numClasses: classes, imageSize: side });

function distillWork(pair: Pair, plain: WorkSize): Work {
  const { teacher, student, method, ahead } = pair;
  const kind = imageKindOf(pair);
  const size = { ...plain, kind };
  const task = { ...taskOf(kind), labels: labelsOf(kind), batchSize: size.batchSize };
  const { learner, guide, views } = timedStudent({ teacher, student, method }, task);
  const what = `distill ${method} ${teacher} -> ${student}`;
  const looking = {
    asked: ahead,
    method: methodRow(method),
    teacher: guide.model,
    views,
    batchSize: size.batchSize,
    parts: epochParts(size.steps),
  };
  const work = trainingWork(what, learner, guide.variables, size, (choice) => {
    return teacherAhead({ ...looking, choice, gpu: isGpu(), exact: false }).steps;
  });
  return { ...work, method };
}

function teacherWork(pair: Pair, size: WorkSize): Work {
  const kind = imageKindOf(pair);
  const [teacher = ""] = namesIn(pair.teacher);
  const learner = teacherLearner(teacher, kind.classes, SEED);
  return trainingWork(`train teacher ${teacher}`, learner, [], { ...size, kind });
}

function evaluateWork(pair: Pair, size: WorkSize): Work {
  const { student } = pair;
  const kind = imageKindOf(pair);
  const model = initialised(student, taskOf(kind));
  return evaluationWork(`evaluate ${student}`, { model, variables: variablesOf(model.state) }, { ...size, kind });
}

/** With initial weights: no checkpoint is needed. */
export const WORKS: Readonly<Record<WorkName, (pair: Pair, size: WorkSize) => Work>> = {
  distill: distillWork,
  teacher: teacherWork,
  evaluate: evaluateWork,
};

function costOver(base: Runner, own: Runner): Cost {
  const pairs = own.repeats.map((time, i) => [time, base.repeats[i] as number] as const);
  return {
    stepMs: median(pairs.map(([time, other]) => time - other)) / own.work.steps,
    ratio: median(pairs.map(([time, other]) => time / other)),
  };
}

/** Times works interleaved with a base. @returns timings of the base, then of the works with their costs */
function measureOver(
  base: Work,
  works: Iterable<Work>,
  variants: readonly Variant[],
  repeats: number,
  onStart: (work: Work, variant: Variant) => void,
): Timing[] {
  const beside = startAll(base, variants, (variant) => onStart(base, variant));
  const all = new Map<Runner, number[]>(beside.map((runner) => [runner, []]));
  try {
    const timings: Timing[] = [];
    for (const work of works) {
      timings.push(...measureBeside(beside, work, variants, repeats, onStart));
      for (const [runner, times] of all) times.push(...runner.repeats.splice(0));
    }
    if (timings.length === 0) takeTurns(beside, repeats);
    const ofBase = beside.map((runner) => {
      const times = all.get(runner) as number[];
      return timingOf(times.length > 0 ? { ...runner, repeats: times } : runner);
    });
    return [...ofBase, ...timings];
  } finally {
    close(beside);
    base.dispose();
  }
}

function measureBeside(
  beside: readonly Runner[],
  work: Work,
  variants: readonly Variant[],
  repeats: number,
  onStart: (work: Work, variant: Variant) => void,
): Timing[] {
  let runners: Runner[] = [];
  try {
    runners = startAll(work, variants, (variant) => onStart(work, variant));
    takeTurns(
      runners.flatMap((runner, i) => [beside[i] as Runner, runner]),
      repeats,
    );
    return runners.map((runner, i) => ({ ...timingOf(runner), overKd: costOver(beside[i] as Runner, runner) }));
  } finally {
    close(runners);
    work.dispose();
  }
}

interface ChosenMethods {
  readonly names: readonly string[];
  /** Each with `kd`, to report its cost. */
  readonly besideKd: boolean;
  /** Skips others, with a notice. */
  readonly onlyFitting: boolean;
}

interface Timed {
  /** @throws inputError where the method does not fit the pair */
  distillation(method: string): Work;
  readonly variants: readonly Variant[];
  readonly repeats: number;
  onStart(work: Work, variant: Variant): void;
  notice(text: string): void;
}

const BASE = "kd";

/** Times methods interleaved with `kd`. @returns timings of `kd`, then of the others in order */
export function measureMethods(
  { names, onlyFitting }: ChosenMethods,
  { distillation, variants, repeats, onStart, notice }: Timed,
): Timing[] {
  const fitting = (name: string): Work | undefined => {
    try {
      return distillation(name);
    } catch (error) {
      if (!onlyFitting || !(error instanceof PefdError)) throw error;
      notice(`skipping ${name}: ${error.message}`);
      return undefined;
    }
  };
  function* works() {
    for (const name of names) {
      const work = name === BASE ? undefined : fitting(name);
      if (work !== undefined) yield work;
    }
  }
  return measureOver(distillation(BASE), works(), variants, repeats, onStart);
}

/** With its fastest type for products. */
type Machine = { readonly gpu: boolean; readonly fastest: PrecisionName };

/** @param capability of the GPU in use, if any @param cpuinfo text of /proc/cpuinfo */
export function machineOf(gpu: boolean, capability: number | undefined, cpuinfo: string): Machine {
  if (gpu) return { gpu, fastest: fastestOf(capability) };
  return { gpu, fastest: /\b(avx512_bf16|amx_bf16)\b/.test(cpuinfo) ? "bfloat16" : "float32" };
}

/** XLA on a CPU is slower than the graph, so timed only on request. */
const ownEngines = ({ gpu }: Machine): EngineName[] => engineNames().filter((engine) => gpu || engine !== "xla");

/**
 * Engines times precisions, except eager in 16 bits.
 * @param engines requested, or empty for the machine's own
 * @param precisions likewise
 */
export function variantsFor(
  machine: Machine,
  engines: readonly EngineName[],
  precisions: readonly PrecisionName[],
): Variant[] {
  const own = [...new Set<PrecisionName>(["float32", machine.fastest])];
  return (engines.length > 0 ? engines : ownEngines(machine)).flatMap((engine) =>
    (precisions.length > 0 ? precisions : own)
      .filter((precision) => engine !== "eager" || precision === "float32")
      .map((precision) => ({ engine, precision })),
  );
}

// A process has one kind of float32 on a GPU: with TF32 or without.

/** Whether float32 is timed without TF32: if it is the only request. */
export const isExactFloat32 = (precisions: readonly PrecisionName[]): boolean =>
  precisions.length === 1 && precisions[0] === "float32";

/** Notes on float32 before timing, one per line. */
export const float32Notices = (gpu: boolean, exact: boolean): readonly string[] =>
  gpu && !exact
    ? ["float32 is timed with TF32 where the GPU supports it; with --precision float32, without TF32."]
    : [];

/** Undefined and empty lists mean the machine's defaults. */
export interface BenchOptions extends Omit<Pair, "method"> {
  readonly methods: ChosenMethods;
  readonly works: readonly WorkName[];
  readonly engines: readonly EngineName[];
  readonly precisions: readonly PrecisionName[];
  readonly gpu: number | undefined;
  readonly batchSize: number | undefined;
  readonly steps: number | undefined;
  readonly testImages: number | undefined;
  readonly repeats: number;
}

export type BenchHooks = { readonly env: Readonly<Record<string, string | undefined>>; notice(text: string): void };

export interface BenchDocument {
  readonly device: string;
  readonly tensorflow: string;
  readonly batchSize: number;
  readonly repeats: number;
  readonly stepsPerRepeat: number;
  readonly imageSize: number;
  readonly numClasses: number;
  readonly results: readonly Timing[];
}

/** A minute or two on a CPU; several calls of many steps on a GPU. */
const SIZES = {
  gpu: { batchSize: 64, steps: 64, testImages: 10_000 },
  cpu: { batchSize: 16, steps: 3, testImages: 200 },
} as const satisfies Record<string, WorkSize>;

const USUAL_SIDE = CIFAR100_KIND.side;

const FEWEST = 50;

/** Images with about as many pixels as so many of CIFAR-100's. */
const fewer = (images: number, side: number): number =>
  Math.max(Math.min(images, FEWEST), Math.round((images * USUAL_SIDE ** 2) / side ** 2));

const sizeFor = ({ gpu }: Machine, options: BenchOptions, side: number): WorkSize => {
  const own = gpu ? SIZES.gpu : SIZES.cpu;
  return {
    batchSize: options.batchSize ?? own.batchSize,
    steps: options.steps ?? own.steps,
    testImages: options.testImages ?? (side > USUAL_SIDE ? fewer(own.testImages, side) : own.testImages),
  };
};

function chosenVariants(machine: Machine, { engines, precisions }: BenchOptions): Variant[] {
  const variants = variantsFor(machine, engines, precisions);
  if (variants.length > 0) return variants;
  throw inputError(
    "The eager engine supports only float32; nothing left to time.",
    "Add another engine, such as --engine eager,graph.",
  );
}

/**
 * Times engines and precisions on random images with initial weights.
 * @throws inputError for an unknown model or method, or no engine with the precision; environmentError where TensorFlow
 * does not load
 */
export function runBench(options: BenchOptions, { env, notice }: BenchHooks): BenchDocument {
  const exactFloat32 = isExactFloat32(options.precisions);
  loadTensorFlow({ env, gpu: options.gpu, exactFloat32 });
  const warning = deviceWarning(env);
  if (warning !== undefined) notice(`warning: ${warning}`);
  float32Notices(isGpu(), exactFloat32).forEach(notice);
  const machine = machineOf(isGpu(), computeCapability(env), procText("cpuinfo"));
  const variants = chosenVariants(machine, options);
  const { side, classes } = imageKindOf(options);
  const size = sizeFor(machine, options, side);
  const onStart = ({ what }: Work, { engine, precision }: Variant) => notice(`${what}: ${engine}, ${precision}`);
  const withMemory = (what: string, timings: readonly Timing[]): readonly Timing[] => {
    const memory = deviceMemory(env);
    if (memory === undefined) return timings;
    notice(`${what}: ${memory} MB of GPU memory in use`);
    return timings.map((timing) => ({ ...timing, deviceMemoryMb: memory }));
  };
  const measured = (work: Work): readonly Timing[] => {
    try {
      const timings = measure(work, variants, options.repeats, (variant) => onStart(work, variant));
      return withMemory(work.what, timings);
    } finally {
      work.dispose();
    }
  };
  const { methods } = options;
  const [method = BASE] = methods.names;
  const distillation = (method: string) => WORKS.distill({ ...options, method }, size);
  const results = options.works.flatMap((name) => {
    if (name !== "distill") return measured(WORKS[name]({ ...options, method }, size));
    if (!methods.besideKd) return methods.names.flatMap((method) => measured(distillation(method)));
    const { repeats } = options;
    return measureMethods(methods, { distillation, variants, repeats, onStart, notice });
  });
  return {
    device: deviceName(env),
    tensorflow: tensorFlowVersion(),
    batchSize: size.batchSize,
    repeats: options.repeats,
    stepsPerRepeat: size.steps,
    imageSize: side,
    numClasses: classes,
    results,
  };
}
