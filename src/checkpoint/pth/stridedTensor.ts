import { stridesOf } from "../../common/shapes.js";
import { ELEMENT_BYTES, type StateTensor } from "../../common/stateDict.js";
import { type Allowance, spend } from "../allowance.js";
import { damage } from "../damage.js";
import { elementCount } from "../elementCount.js";
import type { PickleStorage, PickleTensor } from "../pickle/values.js";
import { printable } from "../stateNames.js";

/** The bytes of a whole storage: exactly `count` elements. */
export type StorageBytes = (storage: PickleStorage) => Uint8Array;

/**
 * A tensor in C order. A contiguous view shares the storage's memory; any other is copied within the allowance.
 * @throws an error that names the tensor when it reaches beyond its storage
 */
export function contiguousTensor(
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
  if (isContiguous(tensor))
    return { dtype, shape, data: source.subarray(first, first + count * size) };
  spend(allowance, count * size, `the tensor ${printable(name)}`);
  return { dtype, shape, data: gather(source.subarray(first), tensor, count * size) };
}

/** Strides are never negative, so the last element lies farthest. */
function checkRange(name: string, { storage, offset, shape, strides }: PickleTensor): void {
  const reach = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  const last = storage.start + offset + reach;
  if (!(last < storage.count))
    throw damage(
      `the tensor ${printable(name)} reaches element ${last} of a storage of ${storage.count} elements`,
    );
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
    for (let i = 0; i < inner.length; i++, from += inner.from, to += inner.to) {
      copy(from, to);
    }
  } while (advance(index, axes));
  return out;
}

/** Copies one element of so many bytes from a place to another; bytes of a file lie anywhere. */
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
