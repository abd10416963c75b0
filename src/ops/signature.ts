import { DT } from "../runtime/native.js";

export type ReadAttribute = (name: string) => unknown;

/** One argument of an op, as TensorFlow's registry declares it (tensorflow/core/ops). */
export interface Argument {
  readonly name: string;
  /** An element type of TensorFlow's C API, or the name of an attribute. */
  readonly type: number | string;
  /** For a list, the attribute with its length. */
  readonly count?: string;
}

export interface Signature {
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
}

/** One tensor of a call: its argument, its index in a list, and its element type where known. */
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

/** Parses TensorFlow's notation: "values: N * T, axis: Tidx -> output: T". A type is a name of DT or an attribute. */
export function parseSignature(text: string): Signature {
  const [inputs = "", outputs = ""] = text.split("->").map((side) => side.trim());
  return { inputs: argumentsOf(inputs), outputs: argumentsOf(outputs) };
}

/** The tensors of a node's arguments; undefined where the length of a list is unknown. */
export function positionsOf(given: readonly Argument[], attribute: ReadAttribute): Position[] | undefined {
  const positions: Position[] = [];
  for (const { name, type, count } of given) {
    const length = count === undefined ? 1 : attribute(count);
    const element = typeof type === "string" ? attribute(type) : type;
    if (typeof length !== "number") return undefined;
    for (let index = 0; index < length; index++) {
      positions.push({ argument: name, index, type: typeof element === "number" ? element : undefined });
    }
  }
  return positions;
}
