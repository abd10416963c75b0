import assert from "node:assert/strict";

/** What a test looks at in an event. */
export interface DecodedEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  tag?: string;
  value?: number;
  sessionStatus?: number;
}

type Field = { readonly number: number; readonly value: number | Buffer };

/** CRC-32C bit by bit, after its definition; slow, and independent of the product's table. */
function checksum(bytes: Buffer): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n);
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

function varint(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0n;
  let at = start;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes.readUInt8(at++);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [Number(value), at];
  }
}

/** The fields of a protobuf message, in order. */
function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const [key, afterKey] = varint(message, at);
    const number = key >> 3;
    const type = key & 7;
    if (type === 0) {
      const [value, next] = varint(message, afterKey);
      found.push({ number, value });
      at = next;
    } else if (type === 1) {
      found.push({ number, value: message.readDoubleLE(afterKey) });
      at = afterKey + 8;
    } else if (type === 5) {
      found.push({ number, value: message.readFloatLE(afterKey) });
      at = afterKey + 4;
    } else {
      assert.equal(type, 2, "wire type");
      const [length, start] = varint(message, afterKey);
      found.push({ number, value: message.subarray(start, start + length) });
      at = start + length;
    }
  }
  return found;
}

const inner = (value: number | Buffer) => fields(value as Buffer);

function decodeEvent(data: Buffer): DecodedEvent {
  const event: DecodedEvent = { wallTime: Number.NaN, step: 0 };
  for (const { number, value } of fields(data)) {
    if (number === 1) event.wallTime = value as number;
    else if (number === 2) event.step = value as number;
    else if (number === 3) event.fileVersion = String(value);
    else if (number === 7) event.sessionStatus = inner(value)[0]?.value as number;
    else {
      assert.equal(number, 5, "an event's field");
      const scalar = inner(inner(value)[0]?.value ?? 0);
      event.tag = String(scalar.find((field) => field.number === 1)?.value);
      event.value = scalar.find((field) => field.number === 2)?.value as number;
    }
  }
  return event;
}

/** All events of a TFRecord file; fails on a wrong checksum or a record cut short. */
export function decodeEvents(file: Buffer): DecodedEvent[] {
  const events: DecodedEvent[] = [];
  let at = 0;
  while (at < file.length) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 8), checksum(file.subarray(at, at + 8)));
    assert.equal(file.readUInt32LE(at + 12 + length), checksum(data));
    events.push(decodeEvent(data));
    at += 12 + length + 4;
  }
  return events;
}
