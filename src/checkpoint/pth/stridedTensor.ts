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
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

/** Copies element by element in C order. */
function gather(source: Uint8Array, tensor: PickleTensor, bytes: number): Uint8Array {
  const size = ELEMENT_BYTES[tensor.storage.dtype];
  const { shape, strides } = tensor;
  const index = new Array<number>(shape.length).fill(0);
  const out = new Uint8Array(bytes);
  let from = 0;
  for (let to = 0; to < bytes; to += size) {
    for (let byte = 0; byte < size; byte++) out[to + byte] = source[from * size + byte] as number;
    from += advance(index, shape, strides);
  }
  return out;
}

/** Moves a C-order index on by one; returns by how many elements the place in the storage changes. */
function advance(index: number[], shape: readonly number[], strides: readonly number[]): number {
  let change = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = (index[axis] as number) + 1;
    if (next < (shape[axis] as number)) {
      index[axis] = next;
      return change + (strides[axis] as number);
    }
    change -= (next - 1) * (strides[axis] as number);
    index[axis] = 0;
  }
  return change;
}
