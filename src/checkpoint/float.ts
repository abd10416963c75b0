import { ELEMENT_BYTES, type ElementType, type StateTensor } from "../common/stateDict.js";

/** A tensor's values in C order, rounded to nearest where they are not exact; aligned F32 shares its memory. */
export function toFloat32(tensor: StateTensor): Float32Array {
  return CONVERSIONS[tensor.dtype](aligned(tensor));
}

/** Typed arrays demand an aligned start; unaligned tensors are copied. */
function aligned({ data, dtype }: StateTensor): Uint8Array {
  return data.byteOffset % ELEMENT_BYTES[dtype] === 0 ? data : new Uint8Array(data);
}

type NumberArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Float64Array;

interface NumberArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): NumberArray;
}

const viewAs =
  (Type: NumberArrayConstructor) =>
  (data: Uint8Array): NumberArray =>
    new Type(data.buffer, data.byteOffset, data.byteLength / Type.BYTES_PER_ELEMENT);

const converted =
  (Type: NumberArrayConstructor) =>
  (data: Uint8Array): Float32Array =>
    Float32Array.from(viewAs(Type)(data));

const CONVERSIONS: Readonly<Record<ElementType, (data: Uint8Array) => Float32Array>> = {
  F32: (data) => new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4),
  F64: converted(Float64Array),
  F16: (data) => Float32Array.from(viewAs(Uint16Array)(data), halfToNumber),
  BF16: (data) => bfloat16ToFloat32(viewAs(Uint16Array)(data)),
  I64: (data) => int64ToFloat32(data),
  I32: converted(Int32Array),
  I16: converted(Int16Array),
  I8: converted(Int8Array),
  U8: converted(Uint8Array),
  BOOL: (data) => Float32Array.from(data, (byte) => (byte === 0 ? 0 : 1)),
};

/** IEEE 754 binary16 bits as a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat32(bits: NumberArray): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

function int64ToFloat32(data: Uint8Array): Float32Array {
  const view = new BigInt64Array(data.buffer, data.byteOffset, data.byteLength / 8);
  return Float32Array.from(view, Number);
}

/** Whether all are finite: 0 times such a number is 0; 0 times anything else is NaN. */
export function areNumbers(values: ArrayLike<number>): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * (values[i] as number);
  return sum === 0;
}
