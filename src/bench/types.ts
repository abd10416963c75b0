import type { EngineName, PrecisionName } from "../compile/types.js";

export const WORK_NAMES = ["distill", "teacher", "evaluate"] as const;
/** Data loading, timed separately. */
export const DATA_WORK = "data";
/** Predictions beside other programs', timed separately. */
export const PREDICT_WORK = "predict";
export type WorkName = (typeof WORK_NAMES)[number];

export type ImageKind = { readonly side: number; readonly classes: number };

export type Variant = { readonly engine: EngineName; readonly precision: PrecisionName };

export interface WorkSize {
  readonly batchSize: number;
  readonly steps: number;
  readonly testImages: number;
  readonly kind?: ImageKind;
}

export interface OpenWork {
  /** One finished step (an evaluation: one pass). */
  first(): void;
  /** The finished steps of one repeat, batches included. @param index 1-based */
  repeat(index: number): void;
  dispose(): void;
}

export interface Work {
  /** Such as `distill ours resnet32x4 -> resnet8x4`. */
  readonly what: string;
  readonly method?: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly images: number;
  open(variant: Variant): OpenWork;
  dispose(): void;
}

/** Over `kd`, with the same pair and variant. */
export interface Cost {
  /** Median difference, in milliseconds per step. */
  readonly stepMs: number;
  /** Median ratio to `kd`'s time. */
  readonly ratio: number;
  /** Difference of peak memory of separate processes, in MB; on a GPU, of its memory. */
  readonly memoryMb?: number;
}

/** Measurements of a workload's variant, in milliseconds. */
export interface Timing extends Variant {
  readonly what: string;
  readonly method?: string;
  readonly batchSize: number;
  /** Median time per step, batch included. */
  readonly stepMs: number;
  readonly stepMsMin: number;
  readonly stepMsMax: number;
  readonly imagesPerSecond: number;
  /** Recording, compiling and the first step. */
  readonly firstStepMs: number;
  /** GPU memory after this work's variants, in MB; absent on a CPU. */
  readonly deviceMemoryMb?: number;
  /** If timed beside `kd`. */
  readonly overKd?: Cost;
}
