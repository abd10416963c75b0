import { readFileSync } from "node:fs";
import { inputError, PefdError } from "../common/errors.js";
import { engineNames } from "../compile/program.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import { methodRow } from "../distill/registry.js";
import { variablesOf } from "../learn/learner.js";
import { teacherLearner } from "../learn/learners.js";
import { surveyModel } from "../models/survey.js";
import { computeCapability, deviceMemory, deviceName, deviceWarning, isGpu } from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { loadTensorFlow } from "../runtime/tf.js";
import { teacherAhead } from "../train/teacherAhead.js";
import { close, measure, median, type Runner, startAll, takeTurns, timingOf } from "./measure.js";
import type { Cost, ImageKind, Timing, Variant, Work, WorkName, WorkSize } from "./types.js";
import { CIFAR100_KIND, evaluationWork, initialised, timedStudent, trainingWork } from "./work.js";

const SEED = 10;

/** Of as many training images as CIFAR-100 has: memory banks are as large as in a training on it. */
const labelsOf = ({ classes }: ImageKind): Int32Array =>
  Int32Array.from({ length: 50_000 }, (_, image) => image % classes);

/**
 * What the images of a pair are like: as many classes as the student is made for, and its size unless another one is asked
 * for.
 */
function imageKindOf({ student, imageSize }: Pick<Pair, "student" | "imageSize">): ImageKind {
  const made = surveyModel(student);
  return { side: imageSize ?? made.imageSize, classes: made.numClasses };
}

/** Which pair and method are timed. */
interface Pair {
  readonly teacher: string;
  readonly student: string;
  readonly method: string;
  /** For how many steps at once the teacher looks at images; as by default where undefined. */
  readonly ahead?: number | undefined;
  /** Side of the images; the one that the student is made for where undefined. */
  readonly imageSize?: number | undefined;
}

/** For trainers. */
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
    stepsPerEpoch: size.steps,
  };
  const work = trainingWork(what, learner, guide.variables, size, (choice) => {
    return teacherAhead({ ...looking, choice, gpu: isGpu(), exact: false }).steps;
  });
  return { ...work, method };
}

function teacherWork(pair: Pair, size: WorkSize): Work {
  const kind = imageKindOf(pair);
  const learner = teacherLearner(pair.teacher, kind.classes, SEED);
  return trainingWork(`train teacher ${pair.teacher}`, learner, [], { ...size, kind });
}

/** The student as it is evaluated after each epoch: not folded. */
function evaluateWork(pair: Pair, size: WorkSize): Work {
  const { student } = pair;
  const kind = imageKindOf(pair);
  const model = initialised(student, taskOf(kind));
  return evaluationWork(`evaluate ${student}`, { model, variables: variablesOf(model.state) }, { ...size, kind });
}

/** How each work is made, with initial weights: no checkpoint is needed. */
export const WORKS: Readonly<Record<WorkName, (pair: Pair, size: WorkSize) => Work>> = {
  distill: distillWork,
  teacher: teacherWork,
  evaluate: evaluateWork,
};

/** Cost of a workload over another one interleaved with it: medians over the repeats. */
function costOver(base: Runner, own: Runner): Cost {
  const pairs = own.repeats.map((time, i) => [time, base.repeats[i] as number] as const);
  return {
    stepMs: median(pairs.map(([time, other]) => time - other)) / own.work.steps,
    ratio: median(pairs.map(([time, other]) => time / other)),
  };
}

/**
 * Times works beside a base, each in turns with it and each variant with the same one of the base.
 * @param works made one after the other, when they are timed
 * @returns timings of the base, then those of the works, each with what it costs over the base
 */
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
    return runners.map((runner, i) => ({
      ...timingOf(runner),
      overKd: costOver(beside[i] as Runner, runner),
    }));
  } finally {
    close(runners);
    work.dispose();
  }
}

/** Which methods distillation is timed with. */
interface ChosenMethods {
  readonly names: readonly string[];
  /** Each with `kd`, to report its cost over that. */
  readonly besideKd: boolean;
  /** Those that do not fit the pair are left out, with a notice. */
  readonly onlyFitting: boolean;
}

/** How methods are timed. */
interface Timed {
  /** Distillation by a method. @throws inputError where it does not fit the pair */
  distillation(method: string): Work;
  readonly variants: readonly Variant[];
  readonly repeats: number;
  onStart(work: Work, variant: Variant): void;
  notice(text: string): void;
}

/** The method that others are compared with. */
const BASE = "kd";

/**
 * Times distillation by methods, each in turns with `kd`.
 * @returns timings of `kd`, then of the others in their order
 */
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

/** Machine properties that determine benchmark defaults. */
interface Machine {
  readonly gpu: boolean;
  /** Whether it computes in bfloat16 natively. */
  readonly bfloat16: boolean;
}

/** The first generation of NVIDIA GPUs that computes in bfloat16. */
const BFLOAT16_CAPABILITY = 8;

/**
 * Machine information.
 * @param capability of the GPU in use, undefined where there is none
 * @param cpuinfo text of /proc/cpuinfo
 */
export function machineOf(gpu: boolean, capability: number | undefined, cpuinfo: string): Machine {
  const bfloat16 = gpu ? (capability ?? 0) >= BFLOAT16_CAPABILITY : /\b(avx512_bf16|amx_bf16)\b/.test(cpuinfo);
  return { gpu, bfloat16 };
}

/** XLA on a CPU is slower than the graph and is timed only when asked for. */
const ownEngines = ({ gpu }: Machine): EngineName[] => engineNames().filter((engine) => gpu || engine !== "xla");

/**
 * Engines times precisions, without those that do not exist: eager tensors cannot be bfloat16.
 * @param engines those asked for; empty for the machine's own
 * @param precisions those asked for; empty for the machine's own
 */
export function variantsFor(
  machine: Machine,
  engines: readonly EngineName[],
  precisions: readonly PrecisionName[],
): Variant[] {
  const own: PrecisionName[] = machine.bfloat16 ? ["float32", "bfloat16"] : ["float32"];
  return (engines.length > 0 ? engines : ownEngines(machine)).flatMap((engine) =>
    (precisions.length > 0 ? precisions : own)
      .filter((precision) => engine !== "eager" || precision === "float32")
      .map((precision) => ({ engine, precision })),
  );
}

// One process has one kind of float32 on a GPU: with TF32 or without.

/** Whether float32 is timed without TF32: where it is all that was asked for. */
export const isExactFloat32 = (precisions: readonly PrecisionName[]): boolean =>
  precisions.length === 1 && precisions[0] === "float32";

/** Notes on float32 before timing, one per line. */
export const float32Notices = (gpu: boolean, exact: boolean): readonly string[] =>
  gpu && !exact
    ? ["float32 is timed with TF32 where the GPU supports it; with --precision float32, without TF32."]
    : [];

/** Requested settings; undefined and empty lists mean the machine's defaults. */
export interface BenchOptions extends Omit<Pair, "method"> {
  readonly methods: ChosenMethods;
  readonly works: readonly WorkName[];
  readonly engines: readonly EngineName[];
  readonly precisions: readonly PrecisionName[];
  /** Which of the visible GPUs. */
  readonly gpu: number | undefined;
  readonly batchSize: number | undefined;
  readonly steps: number | undefined;
  readonly testImages: number | undefined;
  readonly repeats: number;
}

/** Environment of a benchmark. */
export interface BenchHooks {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line about what goes on. */
  notice(text: string): void;
}

/** The result: `pefd bench --json`. */
export interface BenchDocument {
  readonly device: string;
  readonly tensorflow: string;
  readonly batchSize: number;
  readonly repeats: number;
  readonly stepsPerRepeat: number;
  /** Side of the images, and the classes that there are. */
  readonly imageSize: number;
  readonly numClasses: number;
  readonly results: readonly Timing[];
}

/** A CPU gets as much as fits into a minute or two; a GPU enough to fill several calls of many steps. */
const SIZES = {
  gpu: { batchSize: 64, steps: 64, testImages: 10_000 },
  cpu: { batchSize: 16, steps: 3, testImages: 200 },
} as const satisfies Record<string, WorkSize>;

const USUAL_SIDE = CIFAR100_KIND.side;

/** Images that are timed in any case. */
const FEWEST = 50;

function cpuinfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}

/** Images of an evaluation that have so many pixels as CIFAR-100's have, but for a few. */
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
 * Times works with engines and precisions on this machine, on random images with initial weights.
 * @throws inputError for an unknown model or method, or when no engine has the precision;
 *   environmentError when TensorFlow does not load
 */
export function runBench(options: BenchOptions, { env, notice }: BenchHooks): BenchDocument {
  const exactFloat32 = isExactFloat32(options.precisions);
  loadTensorFlow({ env, gpu: options.gpu, exactFloat32 });
  const warning = deviceWarning(env);
  if (warning !== undefined) notice(`warning: ${warning}`);
  float32Notices(isGpu(), exactFloat32).forEach(notice);
  const machine = machineOf(isGpu(), computeCapability(env), cpuinfo());
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
