import type { EngineName, PrecisionName } from "../compile/types.js";

/** Everything that can be timed, as --what names it. */
export const WORK_NAMES = ["distill", "teacher", "evaluate"] as const;
/** Workload that is timed separately: data loading. */
export const DATA_WORK = "data";
export type WorkName = (typeof WORK_NAMES)[number];

/** Image format of a workload. */
export interface ImageKind {
  /** Height and width. */
  readonly side: number;
  readonly classes: number;
}

/** How a work is run. */
export interface Variant {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
}

/** A workload and its size. */
export interface WorkSize {
  /** Images per training step. */
  readonly batchSize: number;
  /** Steps that one repeat takes. */
  readonly steps: number;
  /** Images that an evaluation goes over. */
  readonly testImages: number;
  /** CIFAR-100's by default. */
  readonly kind?: ImageKind;
}

/** A work that was opened with one variant. */
export interface OpenWork {
  /** One step, done when it returns (an evaluation: one pass over its images). */
  first(): void;
  /** The steps of one repeat, done when it returns, batches made anew. @param index 1-based */
  repeat(index: number): void;
  dispose(): void;
}

/** Something to time. */
export interface Work {
  /** Such as `distill ours resnet32x4 -> resnet8x4`. */
  readonly what: string;
  /** Of a distillation. */
  readonly method?: string;
  readonly batchSize: number;
  /** Steps and images of one repeat. */
  readonly steps: number;
  readonly images: number;
  open(variant: Variant): OpenWork;
  /** Frees the variables. */
  dispose(): void;
}

/** The cost of a method over `kd`, same pair and variant. */
export interface Cost {
  /** Median over the repeats of the difference, in milliseconds per step. */
  readonly stepMs: number;
  /** Median over the repeats of its time divided by that of `kd`. */
  readonly ratio: number;
  /** Difference of the most memory that a process with nothing else in it takes, in MB; on a GPU, of the GPU's. */
  readonly memoryMb?: number;
}

/** Measurements of one workload and variant. Times in milliseconds. */
export interface Timing extends Variant {
  readonly what: string;
  /** Of a distillation. */
  readonly method?: string;
  readonly batchSize: number;
  /** Median over the repeats of the time of a step, making the batch included. */
  readonly stepMs: number;
  readonly stepMsMin: number;
  readonly stepMsMax: number;
  readonly imagesPerSecond: number;
  /** From the description to the end of the first step: recording, compiling, one step. */
  readonly firstStepMs: number;
  /** Memory in use on the GPU once this work was timed with every variant, in MB; missing on a CPU. */
  readonly deviceMemoryMb?: number;
  /** Of methods that were timed beside `kd`. */
  readonly overKd?: Cost;
}
