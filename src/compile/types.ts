import type { Tensor, Update, Variable } from "../runtime/tf.js";

/** Eager: op by op; graph: a recorded graph; xla: one compiled loop. */
export type EngineName = "eager" | "graph" | "xla";

/** Element type of convolutions and matrix products; everything else stays float32. */
export type PrecisionName = "float32" | "bfloat16";

/** Shape and type of one input of a step. */
export interface FeedSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/** Named inputs of a step, as tensors. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Named inputs of one or more steps, as host arrays in C order. */
export type FeedValues = Readonly<Record<string, Float32Array | Int32Array>>;

/**
 * A step: a pure function, in tfjs ops, to new values of variables. It has no other result: losses and counts are
 * variables, too. Nothing is read or assigned while it runs.
 */
export type Step = (feeds: Feeds) => readonly Update[];

/**
 * Inputs of a step that do not depend on its updates, such as a frozen model's output: computed for several steps at
 * once by the xla engine; the others ignore it.
 */
export interface Ahead {
  /** Steps that are computed at once; a divisor of stepsPerCall. */
  readonly steps: number;
  /** Names of its per-step inputs. */
  readonly takes: readonly string[];
  /**
   * float32 tensors whose first axis is that of the inputs; each step gets its slice of them as inputs of those names.
   * @param feeds of that many steps, concatenated along the first axis
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
}

/** Everything that is compiled together: entries share the variables. */
export interface ProgramDescription {
  /** For error messages and file names. */
  readonly name: string;
  readonly entries: Readonly<Record<string, Entry>>;
  /** All variables that steps read or update, in named groups that are pulled and pushed together. */
  readonly variables: Readonly<Record<string, readonly Variable[]>>;
  readonly precision: PrecisionName;
  /**
   * Whether the xla engine compiles a program with a static trip count for calls of stepsPerCall steps; by default on a
   * GPU.
   */
  readonly staticTripCount?: boolean;
  /** Receives problems of the program cache. */
  readonly onWarning?: (text: string) => void;
}

/** A call of a program: so many steps of an entry. */
export type Call = readonly [entry: string, steps: number];

/** Steps that can be run. */
export interface Program {
  readonly engine: EngineName;
  /**
   * Runs steps of an entry, one after the other.
   * @param feeds per-step inputs with a leading axis of `steps`, shared inputs as they are
   * @param steps at most the entry's stepsPerCall
   * @throws RangeError if an array's length does not fit
   */
  run(entry: string, feeds: FeedValues, steps: number): void;
  /**
   * A function for each native program of these calls that is not compiled yet; otherwise it compiles at its first call.
   * Variables must be pushed before, and again after, as compiling changes them.
   */
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
