import type { Shape, ShapeRule } from "./shapes.js";

/** Of an op whose images may be in bfloat16. */
export interface Narrow {
  /**
   * Which of its types may be that in a node, from the shapes of its inputs, as far as they are known, and outputs; none where its
   * images stay in float32.
   */
  readonly types: (
    inputs: readonly (Shape | undefined)[],
    outputs: readonly Shape[],
  ) => readonly string[];
  /** How often it reads each of them from memory. */
  readonly reads: number;
  /** Whether it is one of these only between others: as a term of a loss it stays in float32, unrounded. */
  readonly between?: true;
}

/** What is known of an op, besides its arguments; what a row leaves out is not so. */
export interface Facts {
  /** Shapes of its outputs. Without a rule it has to run for them. */
  readonly shapes?: ShapeRule;
  /** Multiplications with an addition, from the shapes of its inputs and its output. */
  readonly multiplyAdds?: (inputs: readonly Shape[], output: Shape) => number;
  /** What it counts as where precision is reduced: its inputs of type T are taken in bfloat16, its output is given back in float32. */
  readonly reduced?: "convolution" | "product";
  /**
   * How many of its inputs are activations, the others being weights, where it may stay in bfloat16 between convolutions
   * of what is frozen.
   */
  readonly activations?: number;
  /** Correctly rounded arithmetic on each element, with the same bits whatever lies beside it. */
  readonly exact?: true;
  /** Gives the elements of its first input, in another order or type at most; its other inputs are constants. */
  readonly rearranges?: true;
  /** Its number among the instructions of our elementwise op (src/native/kernels/kernels.h). */
  readonly opcode?: number;
  /** TensorFlow's op of the same arguments, for one of ours. */
  readonly standard?: string;
  /** Where its images may be in bfloat16 (src/native/ops/numbers.h). */
  readonly narrow?: Narrow;
}

/** An op, or several that have everything in common: names, arguments in TensorFlow's notation, facts. */
export type Row = readonly [names: string, signature: string, facts?: Facts];
