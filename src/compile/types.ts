import type { Tensor, Update, Variable } from "../runtime/tf.js";

/** Eager: op by op; graph: a recorded graph; xla: one compiled loop. */
export type EngineName = "eager" | "graph" | "xla";

/** Element type of convolutions and matrix products; everything else stays float32. */
export type PrecisionName = "float32" | "bfloat16" | "float16";

export type FeedSpec = { readonly shape: readonly number[]; readonly dtype: "float32" | "int32" };

/** Named inputs of a step, as tensors. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Named inputs of one or more steps, as host arrays in C order. */
export type FeedValues = Readonly<Record<string, Float32Array | Int32Array>>;

/** A pure function, in tfjs ops, to new values of variables, which hold losses and counts, too. It reads no values. */
export type Step = (feeds: Feeds) => readonly Update[];

/** Inputs that no update changes, such as a frozen model's output: xla computes those of several steps at once. */
export interface Ahead {
  /** Steps that are computed at once; a divisor of stepsPerCall. */
  readonly steps: number;
  /** Names of its per-step inputs. */
  readonly takes: readonly string[];
  /**
   * float32 inputs by name, from feeds of `steps` steps concatenated along the first axis; a step gets its slice, or
   * none where its program takes a single step.
   */
  compute(feeds: Feeds): Readonly<Record<string, Tensor>>;
}

/** A step and its inputs. */
export interface Entry {
  readonly step: Step;
  /** Inputs that differ from step to step. */
  readonly perStep: Readonly<Record<string, FeedSpec>>;
  /** Inputs that are the same for all steps of a call. */
  readonly shared: Readonly<Record<string, FeedSpec>>;
  /** Most steps that one call may take. */
  readonly stepsPerCall: number;
  readonly ahead?: Ahead;
  /**
   * An int32 input of perStep that calls of stepsPerCall steps find on the device, brought by `stage` or the call
   * before, which copies it there while it computes. For xla, where our own ops are.
   */
  readonly staged?: string;
}

/** Everything that is compiled together: entries share the variables. */
export interface ProgramDescription {
  readonly name: string;
  readonly entries: Readonly<Record<string, Entry>>;
  /** All variables that steps read or update, in named groups that are pulled and pushed together. */
  readonly variables: Readonly<Record<string, readonly Variable[]>>;
  readonly precision: PrecisionName;
  /** Whether xla has a program with a static trip count for calls of stepsPerCall; by default on a GPU or if staged. */
  readonly staticTripCount?: boolean;
  /** Receives problems of the program cache. */
  readonly onWarning?: (text: string) => void;
}

/** A call of a program: so many steps of an entry. */
export type Call = readonly [entry: string, steps: number];

export interface Program {
  readonly engine: EngineName;
  /** Whether calls of stepsPerCall steps have a program of their own; others then take one step at a time. */
  readonly wholeCalls: boolean;
  /**
   * Runs at most stepsPerCall steps; per-step feeds have a leading axis of `steps`.
   * @param next feeds of the next call, of stepsPerCall steps as this one, for what is staged
   * @throws RangeError
   */
  run(entry: string, feeds: FeedValues, steps: number, next?: FeedValues): void;
  /** Brings what is staged to the device for the next call of stepsPerCall steps. @throws RangeError */
  stage?(entry: string, feeds: FeedValues): void;
  /** Functions that compile what these calls need. Compiling changes variables: push them before, and again after. */
  compilations(calls: readonly Call[]): readonly (() => void)[];
  /** Number of compiled programs from an earlier run. */
  readonly kept: number;
  /** Copies a group of variables from the program to their tf.Variables. */
  pull(group: string): void;
  /** Copies a group of tf.Variables to the program: before the first step, and after every change. */
  push(group: string): void;
  /** Frees the program; the tf.Variables stay. */
  dispose(): void;
}
