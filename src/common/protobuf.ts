/** Protocol Buffers' wire format, as far as TensorFlow's files need it; each function encodes one field of a message. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Joins encoded fields into one message. */
export function joinFields(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Numbers of one byte: most tags, lengths and sizes. */
const ONE_BYTE = Array.from({ length: 0x80 }, (_, value) => Uint8Array.of(value));

/** A base-128 number; negative ones as 64-bit two's complement, as in int32 and int64 fields. */
export function varint(value: number): Uint8Array {
  const known = ONE_BYTE[value];
  if (known !== undefined) return known;
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const tag = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);

/** An integer, enum or boolean field. */
export const integerField = (field: number, value: number): Uint8Array =>
  joinFields([tag(field, VARINT), varint(value)]);

/** A bytes field; also a message field, given its joined fields. */
export const bytesField = (field: number, value: Uint8Array): Uint8Array =>
  joinFields([tag(field, LENGTH_DELIMITED), varint(value.length), value]);

/** A string field. */
export const stringField = (field: number, value: string): Uint8Array => bytesField(field, Buffer.from(value));

/** A message field. */
export const messageField = (field: number, parts: readonly Uint8Array[]): Uint8Array =>
  bytesField(field, joinFields(parts));

/** A float field. */
export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joinFields([tag(field, FIXED32), bytes]);
}

/** A double field. */
export function doubleField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return joinFields([tag(field, FIXED64), bytes]);
}

/** A map field with string keys: messages of key (1) and value (2). */
export const mapField = (
  field: number,
  entries: Iterable<readonly [key: string, value: readonly Uint8Array[]]>,
): Uint8Array =>
  joinFields(Array.from(entries, ([key, value]) => messageField(field, [stringField(1, key), messageField(2, value)])));
