import type { ElementType } from "../../common/stateDict.js";
import { damage } from "../damage.js";
import { halfToNumber } from "../float.js";

/** How to read each numpy type code from little-endian bytes, and how many of them. */
const NUMBER_TYPES: Readonly<Record<string, readonly [number, (view: DataView) => PickleValue]>> = {
  f8: [8, (view) => view.getFloat64(0, true)],
  f4: [4, (view) => view.getFloat32(0, true)],
  f2: [2, (view) => halfToNumber(view.getUint16(0, true))],
  i8: [8, (view) => exact(view.getBigInt64(0, true))],
  i4: [4, (view) => view.getInt32(0, true)],
  i2: [2, (view) => view.getInt16(0, true)],
  i1: [1, (view) => view.getInt8(0)],
  u8: [8, (view) => exact(view.getBigUint64(0, true))],
  u4: [4, (view) => view.getUint32(0, true)],
  u2: [2, (view) => view.getUint16(0, true)],
  u1: [1, (view) => view.getUint8(0)],
  b1: [1, (view) => view.getUint8(0) !== 0],
};

/** An integer as a number where that is exact. */
export const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** Names of torch's storages by their element types; what is missing (complex, quantised, untyped) is refused by name. */
export const STORAGE_TYPES: Readonly<Record<ElementType, string>> = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
};

/** numpy.dtype(code, align, copy) */
export function numpyDtype([code]: readonly PickleValue[]): PickleDtype {
  if (typeof code !== "string" || !Object.hasOwn(NUMBER_TYPES, code))
    throw damage("its pickle holds a numpy value that is not a number");
  return { kind: "dtype", code, byteOrder: "<" };
}

/** The state that BUILD gives a dtype: (version, byte order, ...). */
export function buildDtype(dtype: PickleDtype, state: PickleValue): void {
  const byteOrder = isKind(state, "tuple") ? state.items[1] : undefined;
  if (typeof byteOrder !== "string") throw damage("its pickle holds a broken numpy dtype");
  dtype.byteOrder = byteOrder;
}

/** numpy.core.multiarray.scalar(dtype, bytes), as the plain number it stands for. */
export function numpyScalar([dtype, data]: readonly PickleValue[]): PickleValue {
  // Python 2 wrote the bytes as a str.
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  if (!isKind(dtype, "dtype") || !(bytes instanceof Uint8Array))
    throw damage("its pickle holds a numpy value that is not a number");
  if (dtype.byteOrder === ">") throw damage("it holds a big-endian numpy number");
  const [size, read] = NUMBER_TYPES[dtype.code] as (typeof NUMBER_TYPES)[string];
  if (bytes.length !== size) throw damage(`its pickle holds a numpy ${dtype.code} of ${bytes.length} bytes`);
  return read(new DataView(bytes.buffer, bytes.byteOffset, size));
}

/** A Python tuple; lists are arrays. */
export type PickleTuple = { readonly kind: "tuple"; readonly items: readonly PickleValue[] };

export type PickleGlobal = { readonly kind: "global"; readonly name: string };

export type PickleNamespace = { readonly kind: "namespace"; readonly fields: PickleMap };

export type PickleDtype = { readonly kind: "dtype"; readonly code: string; byteOrder: string };

/** A storage by its key in the file: `count` elements, of which `start` come before the part that is meant. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly key: string;
  readonly dtype: ElementType;
  readonly count: number;
  readonly start: number;
}

/** A tensor as PyTorch describes it: a strided view, in elements, of a storage. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type PickleObject = PickleTuple | PickleGlobal | PickleNamespace | PickleDtype | PickleStorage | PickleTensor;

export type PickleMap = Map<PickleValue, PickleValue>;

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Set<PickleValue>
  | PickleMap
  | PickleObject;

/** Narrows to one kind of object, e.g. `isKind(value, "tensor")`. */
export function isKind<K extends PickleObject["kind"]>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleObject, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** The members of a list, tuple or set; undefined for everything else. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value];
  return isKind(value, "tuple") ? value.items : undefined;
}
