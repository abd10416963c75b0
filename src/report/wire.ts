/**
 * The part of protobuf's wire format (protobuf.dev/programming-guides/encoding) that TensorBoard's events need.
 * A message is the concatenation of its fields; each function gives one field.
 */

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const tag = (field: number, type: number) => varint(field * 8 + type);

/** int64, enum: a whole number of 0 to 2^53. */
export function intField(field: number, value: number): Buffer {
  return Buffer.from([...tag(field, VARINT), ...varint(value)]);
}

/** double */
export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(tag(field, FIXED64)), bytes]);
}

/** float */
export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Buffer.from(tag(field, FIXED32)), bytes]);
}

/** string, bytes or an embedded message */
export function bytesField(field: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([
    Buffer.from([...tag(field, LENGTH_DELIMITED), ...varint(bytes.length)]),
    bytes,
  ]);
}
