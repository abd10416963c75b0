import { damage } from "../damage.js";
import { halfToNumber } from "../float.js";
import { isKind, type PickleDtype, type PickleValue } from "./values.js";

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

const exact = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

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
  if (bytes.length !== size)
    throw damage(`its pickle holds a numpy ${dtype.code} of ${bytes.length} bytes`);
  return read(new DataView(bytes.buffer, bytes.byteOffset, size));
}
