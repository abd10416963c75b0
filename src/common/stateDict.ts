/** Element types of a checkpoint, in safetensors' spelling. */
export type ElementType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** A tensor as in files: little-endian, contiguous, C order, PyTorch's layout (OIHW, [out, in]). */
export interface StateTensor {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Tensors by their PyTorch state_dict name, in state_dict order. */
export type StateDict = ReadonlyMap<string, StateTensor>;

/** A float32 tensor; shares the values' buffer. */
export function float32Tensor(values: Float32Array, shape: readonly number[]): StateTensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: "F32", shape, data };
}

/** A 0-dimensional int64 tensor, as PyTorch's num_batches_tracked is. */
export function int64Scalar(value: number): StateTensor {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigInt64(0, BigInt(value), true);
  return { dtype: "I64", shape: [], data };
}
