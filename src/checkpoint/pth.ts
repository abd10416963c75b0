import { sizeOf, stridesOf } from "../common/shapes.js";
import { ELEMENT_BYTES, type StateTensor } from "../common/stateDict.js";
import { type Allowance, checkOutput, damage, metadataAllowance, spend } from "./damage.js";
import { toFloat32 } from "./float.js";
import type { CheckpointContent } from "./metadata.js";
import {
  isKind,
  itemsOf,
  type PickleMap,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
} from "./pickle/values.js";
import { checkNames, elementCount, printable, quote } from "./stateNames.js";

/** Of a whole storage: exactly `count` elements. */
type StorageBytes = (storage: PickleStorage) => Uint8Array;

/** A tensor in C order, sharing the storage where it is contiguous. @throws where it reaches beyond its storage */
function contiguousTensor(
  name: string,
  tensor: PickleTensor,
  storageBytes: StorageBytes,
  allowance: Allowance,
): StateTensor {
  const { storage, shape } = tensor;
  const { dtype } = storage;
  const size = ELEMENT_BYTES[dtype];
  const count = elementCount(name, shape);
  if (count === 0) return { dtype, shape, data: new Uint8Array(0) };
  checkRange(name, tensor);
  const source = storageBytes(storage);
  const first = (storage.start + tensor.offset) * size;
  if (isContiguous(tensor)) return { dtype, shape, data: source.subarray(first, first + count * size) };
  spend(allowance, count * size, `the tensor ${printable(name)}`);
  return { dtype, shape, data: gather(source.subarray(first), tensor, count * size) };
}

/** Strides are never negative, so the last element lies farthest. */
function checkRange(name: string, { storage, offset, shape, strides }: PickleTensor): void {
  const reach = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  const last = storage.start + offset + reach;
  if (!(last < storage.count))
    throw damage(`the tensor ${printable(name)} reaches element ${last} of a storage of ${storage.count} elements`);
}

function isContiguous({ shape, strides }: PickleTensor): boolean {
  const expected = stridesOf(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

/** Copies into C order, along the axis whose elements lie closest together in the storage. */
function gather(source: Uint8Array, tensor: PickleTensor, bytes: number): Uint8Array {
  const size = ELEMENT_BYTES[tensor.storage.dtype];
  const places = stridesOf(tensor.shape);
  const axes = tensor.shape.map((length, axis) => ({
    length,
    from: (tensor.strides[axis] as number) * size,
    to: (places[axis] as number) * size,
  }));
  // What is no single element has an axis (see isContiguous).
  const inner = axes.sort((one, other) => other.from - one.from).pop() as (typeof axes)[number];
  const out = new Uint8Array(bytes);
  const copy = copier(source, out, size);
  const index = axes.map(() => 0);
  do {
    let from = 0;
    let to = 0;
    for (const [i, axis] of axes.entries()) {
      from += (index[i] as number) * axis.from;
      to += (index[i] as number) * axis.to;
    }
    for (let i = 0; i < inner.length; i++, from += inner.from, to += inner.to) copy(from, to);
  } while (advance(index, axes));
  return out;
}

/** Copies one element of `size` bytes; bytes of a file lie anywhere. */
function copier(source: Uint8Array, out: Uint8Array, size: number) {
  const [read, write] = [source, out].map(
    ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength),
  ) as [DataView, DataView];
  if (size === 4) return (from: number, to: number) => write.setUint32(to, read.getUint32(from));
  return (from: number, to: number) => {
    for (let byte = 0; byte < size; byte++) out[to + byte] = source[from + byte] as number;
  };
}

/** Moves an index on by one, the last axis first. @returns whether there is such an index */
function advance(index: number[], axes: readonly { readonly length: number }[]): boolean {
  for (let axis = index.length - 1; axis >= 0; axis--) {
    const next = (index[axis] as number) + 1;
    if (next < (axes[axis]?.length as number)) {
      index[axis] = next;
      return true;
    }
    index[axis] = 0;
  }
  return false;
}

/** Hostile pickles can share one list a million times or nest it in itself; options of a run never come near. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 32;

/** What one file may still convert, in values and in characters. */
interface Conversion {
  values: number;
  readonly text: Allowance;
  readonly readTensor: (tensor: PickleTensor) => StateTensor;
}

/** The start of a file's conversions, which share one bound. */
export const newConversion = (readTensor: (tensor: PickleTensor) => StateTensor, text: Allowance): Conversion => ({
  values: 0,
  text,
  readTensor,
});

/**
 * A value of a pickle as plain data: maps and namespaces become objects, lists, tuples and sets arrays, tensors of one
 * element numbers, integers beyond 2^53 decimal text.
 * @returns undefined for anything that holds something else (an optimizer's tensors), or too many values
 * @throws an error with the bytes where one text stands for so many values that all would be huge
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

function convertMap(map: ReadonlyMap<PickleValue, PickleValue>, state: Conversion, depth: number): unknown {
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

/** Under which names training programs put the state_dict, first choice first. */
export const WRAPPERS: readonly string[] = ["model", "state_dict", "net"];

/** A .pth file's state_dict, contiguous; other plain values become metadata. @throws an error with what was found */
export function contentOfPickle(
  root: PickleValue,
  storageBytes: StorageBytes,
  allowance: Allowance,
): CheckpointContent {
  if (!(root instanceof Map)) throw damage("its pickle holds no dict");
  const wrapper = WRAPPERS.find((name) => holdsTensors(root.get(name)));
  const stateMap = wrapper === undefined ? root : (root.get(wrapper) as PickleMap);
  const tensors = namedTensors(stateMap, wrapper);
  checkNames([...tensors.keys()]);
  checkOutput(tensors.size, bytesOf(tensors), allowance);
  const read = (name: string, tensor: PickleTensor): StateTensor =>
    contiguousTensor(name, tensor, storageBytes, allowance);
  const state = new Map(Array.from(tensors, ([name, tensor]) => [name, read(name, tensor)]));
  if (wrapper === undefined) return { state, metadata: {} };
  const conversion = newConversion((tensor) => read("of its metadata", tensor), metadataAllowance(allowance.fileBytes));
  return { state, metadata: plainValues(root, wrapper, conversion) };
}

function bytesOf(tensors: ReadonlyMap<string, PickleTensor>): number {
  let bytes = 0;
  for (const [name, { shape, storage }] of tensors) bytes += elementCount(name, shape) * ELEMENT_BYTES[storage.dtype];
  return bytes;
}

const holdsTensors = (value: PickleValue | undefined): boolean =>
  value instanceof Map && [...value.values()].some((item) => isKind(item, "tensor"));

function namedTensors(map: PickleMap, wrapper: string | undefined): Map<string, PickleTensor> {
  const tensors = new Map<string, PickleTensor>();
  if (!holdsTensors(map)) throw damage(`it holds no state_dict, only ${topLevelNames(map)}`);
  for (const [name, value] of map) {
    const where = wrapper === undefined ? "its state_dict" : `its ${quote(wrapper)}`;
    if (typeof name !== "string") throw damage(`${where} has a name that is no text`);
    if (!isKind(value, "tensor")) throw damage(`${where} has ${quote(name)}, which is no tensor`);
    tensors.set(name, value);
  }
  return tensors;
}

function topLevelNames(map: PickleMap): string {
  const names = [...map.keys()].slice(0, 10).map((name) => quote(asText(name)));
  return names.length === 0 ? "an empty dict" : names.join(", ");
}

const asText = (key: PickleValue): string => (typeof key === "string" || typeof key === "number" ? String(key) : "?");

function plainValues(root: PickleMap, wrapper: string, conversion: Conversion): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of root) {
    if (name === wrapper || typeof name !== "string") continue;
    const plain = toPlain(value, conversion);
    if (plain !== undefined) entries.push([name, plain]);
  }
  return Object.fromEntries(entries);
}
