import { sizeOf } from "../../common/shapes.js";
import type { StateTensor } from "../../common/stateDict.js";
import { type Allowance, spend } from "../allowance.js";
import { toFloat32 } from "../float.js";
import { isKind, itemsOf, type PickleTensor, type PickleValue } from "./values.js";

/** Hostile pickles can share one list a million times or nest it in itself; options of a run never come near. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 32;

/** What one file may still convert, in values and in characters, and how its tensors are read. */
export interface Conversion {
  values: number;
  readonly text: Allowance;
  readonly readTensor: (tensor: PickleTensor) => StateTensor;
}

/** The start of a file's conversions, which share one bound. */
export const newConversion = (
  readTensor: (tensor: PickleTensor) => StateTensor,
  text: Allowance,
): Conversion => ({
  values: 0,
  text,
  readTensor,
});

/**
 * A value of a pickle as plain data: maps and namespaces become objects, lists, tuples and sets arrays, tensors of one
 * element numbers, integers beyond 2^53 decimal text.
 * @returns undefined for anything that holds something else (an optimizer's tensors), or too many values
 * @throws an error with the bytes where one text stands for so many values that all together would be huge
 */
export function toPlain(value: PickleValue, conversion: Conversion): unknown {
  return convert(value, conversion, 0);
}

function convert(value: PickleValue, state: Conversion, depth: number): unknown {
  state.values++;
  if (state.values > MAX_VALUES || depth > MAX_DEPTH) return undefined;
  if (typeof value === "string") return charged(value, state);
  if (typeof value === "bigint") return decimal(value, state);
  if (typeof value !== "object" || value === null) return value;
  if (isKind(value, "tensor")) return oneNumber(value, state);
  if (isKind(value, "namespace")) return convert(value.fields, state, depth);
  if (value instanceof Map) return convertMap(value, state, depth);
  const items = itemsOf(value);
  return items && convertItems(items, state, depth);
}

/** A text is one object however often a pickle refers to it, until it is written. */
function charged(text: string, { text: allowance }: Conversion): string {
  spend(allowance, text.length, "its metadata");
  return text;
}

/** Hexadecimal digits are cheap, and nearly as many as decimal ones. */
function decimal(value: bigint, state: Conversion): string {
  charged(value.toString(16), state);
  return value.toString();
}

function convertItems(items: readonly PickleValue[], state: Conversion, depth: number): unknown {
  const plain: unknown[] = [];
  for (const item of items) {
    const converted = convert(item, state, depth + 1);
    if (converted === undefined) return undefined;
    plain.push(converted);
  }
  return plain;
}

function convertMap(
  map: ReadonlyMap<PickleValue, PickleValue>,
  state: Conversion,
  depth: number,
): unknown {
  const entries: [string, unknown][] = [];
  for (const [key, item] of map) {
    const converted = convert(item, state, depth + 1);
    const isName = typeof key === "string" || typeof key === "number";
    if (converted === undefined || !isName) return undefined;
    entries.push([charged(String(key), state), converted]);
  }
  return Object.fromEntries(entries);
}

/** Accuracies are often saved as tensors of one element; float64 keeps its digits. */
function oneNumber(tensor: PickleTensor, { readTensor }: Conversion): number | undefined {
  if (sizeOf(tensor.shape) !== 1) return undefined;
  const element = readTensor(tensor);
  const view = new DataView(element.data.buffer, element.data.byteOffset);
  if (element.dtype === "F64") return view.getFloat64(0, true);
  if (element.dtype === "I64") return Number(view.getBigInt64(0, true));
  return element.dtype === "I32" ? view.getInt32(0, true) : toFloat32(element)[0];
}
