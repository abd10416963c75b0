import type { Tensor, Update, Variable } from "../runtime/tf.js";

/** How steps are run: op by op, as a recorded graph, or as one compiled loop. */
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
 * A step: a pure description, in tfjs ops, of new values of variables. It has no other result: whatever should be
 * seen afterwards (losses, counts) is a variable too. Nothing is read or assigned while it runs.
 */
export type Step = (feeds: Feeds) => readonly Update[];

/**
 * What a step needs that nothing it changes has a part in, such as a frozen model's output: it can be computed for
 * several steps at once. Only the xla engine does so; the others never ask for it.
 */
export interface Ahead {
  /** For how many steps at once; a divisor of stepsPerCall. */
  readonly steps: number;
  /** The per-step inputs that it takes. */
  readonly takes: readonly string[];
  /**
   * float32 tensors whose first axis is that of the inputs: each step is given its part of them, under their names, as
   * inputs of its own.
   * @param feeds of so many steps, one after the other along the first axis of each
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
  /** Told apart in error messages and file names. */
  readonly name: string;
  readonly entries: Readonly<Record<string, Entry>>;
  /** All variables that any step reads or updates, in named groups that are read and written together. */
  readonly variables: Readonly<Record<string, readonly Variable[]>>;
  readonly precision: PrecisionName;
  /**
   * Whether the xla engine compiles a program of its own for calls of exactly stepsPerCall steps, whose number of
   * rounds XLA knows. On a GPU where undefined.
   */
  readonly knownRounds?: boolean;
  /** Told what went wrong with programs that are kept between runs. */
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
   * What calls need to have compiled: a function for each native program that is not there yet. Without them it is
   * compiled when it is first called. Variables must be pushed before, and again after: they take other values.
   */
  compilations(calls: readonly Call[]): readonly (() => void)[];
  /** How many compiled programs an earlier run has left. */
  readonly kept: number;
  /** Copies a group of variables from where steps run into their tf.Variables. */
  pull(group: string): void;
  /** Copies a group of tf.Variables to where steps run. Needed once before the first step, and after every change. */
  push(group: string): void;
  /** Frees what the program holds; the tf.Variables stay. */
  dispose(): void;
}
