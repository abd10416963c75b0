import { DT } from "../runtime/native.js";

/** Reads an attribute of a node; undefined where it has none of that name. */
export type ReadAttribute = (name: string) => unknown;

/** One argument of an op, as TensorFlow's registry declares it (tensorflow/core/ops). */
export interface Argument {
  readonly name: string;
  /** An element type of TensorFlow's C API, or the attribute that holds it. */
  readonly type: number | string;
  /** The attribute that says how many tensors it is, where it is a list. */
  readonly count?: string;
}

/** Arguments and results of an op. */
export interface Signature {
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
}

/** One tensor of a call: which of its argument's it is, and its element type where attributes tell it. */
export interface Position {
  readonly argument: string;
  readonly index: number;
  readonly type: number | undefined;
}

const typeOf = (word: string): number | string => DT[word as keyof typeof DT] ?? word;

function argumentOf(text: string): Argument {
  const [name = "", type = ""] = text.split(": ");
  const [count, listed] = type.split(" * ") as [string, string?];
  return listed === undefined ? { name, type: typeOf(type) } : { name, type: typeOf(listed), count };
}

const argumentsOf = (text: string): Argument[] => (text === "" ? [] : text.split(", ").map(argumentOf));

/**
 * Reads a signature in the notation of TensorFlow's registry: "values: N * T, axis: Tidx -> output: T". A type is a
 * name of DT, or else an attribute's.
 */
export function parseSignature(text: string): Signature {
  const [inputs = "", outputs = ""] = text.split("->").map((side) => side.trim());
  return { inputs: argumentsOf(inputs), outputs: argumentsOf(outputs) };
}

/** The tensors of some arguments of a node; undefined where it does not say how many they are. */
export function positionsOf(given: readonly Argument[], attribute: ReadAttribute): Position[] | undefined {
  const positions: Position[] = [];
  for (const { name, type, count } of given) {
    const length = count === undefined ? 1 : attribute(count);
    const element = typeof type === "string" ? attribute(type) : type;
    if (typeof length !== "number") return undefined;
    for (let index = 0; index < length; index++) {
      positions.push({
        argument: name,
        index,
        type: typeof element === "number" ? element : undefined,
      });
    }
  }
  return positions;
}
