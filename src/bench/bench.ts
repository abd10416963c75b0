import { readFileSync } from "node:fs";
import { inputError } from "../common/errors.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import {
  computeCapability,
  deviceMemory,
  deviceName,
  deviceWarning,
  isGpu,
} from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { loadTensorFlow } from "../runtime/tf.js";
import { float32Notices, isExactFloat32 } from "./float32.js";
import { CIFAR100_KIND } from "./images.js";
import { measure } from "./measure.js";
import { BASE, type ChosenMethods, measureMethods } from "./methods.js";
import type { Timing, Variant, Work, WorkName, WorkSize } from "./types.js";
import { type Machine, machineOf, variantsFor } from "./variants.js";
import { imageKindOf, type Pair, WORKS } from "./works.js";

/** What is asked for; undefined and empty lists leave it to the machine. */
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

/** What a benchmark tells of its surroundings, and asks of them. */
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

/** A processor gets as much as fits into a minute or two; a GPU enough to fill several calls of many steps. */
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
    testImages:
      options.testImages ?? (side > USUAL_SIDE ? fewer(own.testImages, side) : own.testImages),
  };
};

function chosenVariants(machine: Machine, { engines, precisions }: BenchOptions): Variant[] {
  const variants = variantsFor(machine, engines, precisions);
  if (variants.length > 0) return variants;
  throw inputError(
    "The eager engine computes in float32 only; nothing is left to time.",
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
  const onStart = ({ what }: Work, { engine, precision }: Variant) =>
    notice(`${what}: ${engine}, ${precision}`);
  const withMemory = (what: string, timings: readonly Timing[]): readonly Timing[] => {
    const memory = deviceMemory(env);
    if (memory === undefined) return timings;
    notice(`${what}: ${memory} MB of the GPU's memory in use`);
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
    ...{ imageSize: side, numClasses: classes },
    results,
  };
}
