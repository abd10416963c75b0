import { inputError } from "../../common/errors.js";

/** Pieces of a pickle of protocol 2 without a memo (Lib/pickletools.py), each leaving one value on the stack. */
export type Piece = Uint8Array;

const MARK = "(";

const code = (text: string): Piece => Buffer.from(text, "latin1");

const join = (...pieces: Piece[]): Piece => Buffer.concat(pieces);

/** A whole pickle of one value. */
export const pickle = (value: Piece): Piece => join(code("\x80\x02"), value, code("."));

export function text(value: string): Piece {
  const bytes = Buffer.from(value, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return join(code("X"), length, bytes);
}

/** An int where the number is a whole one, a float otherwise. */
export function number(value: number): Piece {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return float(value);
  if (value >= 0 && value < 256) return Buffer.from([0x4b, value]);
  const bytes = Buffer.alloc(9);
  if (value === (value | 0)) {
    bytes.writeInt32LE(value, 0);
    return join(code("J"), bytes.subarray(0, 4));
  }
  bytes.writeUInt8(8, 0);
  bytes.writeBigInt64LE(BigInt(value), 1);
  return join(code("\x8a"), bytes);
}

function float(value: number): Piece {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return join(code("G"), bytes);
}

export const boolean = (value: boolean): Piece => code(value ? "\x88" : "\x89");

export const none = (): Piece => code("N");

export const tuple = (items: readonly Piece[]): Piece =>
  items.length === 0 ? code(")") : join(code(MARK), ...items, code("t"));

export const list = (items: readonly Piece[]): Piece =>
  items.length === 0 ? code("]") : join(code(`]${MARK}`), ...items, code("e"));

export const dict = (entries: Iterable<readonly [string, Piece]>): Piece => join(code("}"), setItems(entries));

/** collections.OrderedDict, what state_dict() returns. */
export const orderedDict = (entries: Iterable<readonly [string, Piece]>): Piece =>
  join(call("collections", "OrderedDict", []), setItems(entries));

function setItems(entries: Iterable<readonly [string, Piece]>): Piece {
  const pairs = [...entries].flatMap(([key, value]) => [text(key), value]);
  return pairs.length === 0 ? code("") : join(code(MARK), ...pairs, code("u"));
}

export const global = (module: string, name: string): Piece => code(`c${module}\n${name}\n`);

export const call = (module: string, name: string, args: readonly Piece[]): Piece =>
  join(global(module, name), tuple(args), code("R"));

/** What torch.load resolves to a storage. */
export const persistentId = (id: Piece): Piece => join(id, code("Q"));

/** Null, booleans, numbers, strings, arrays and objects as Python's of the same kind. @throws inputError for others */
export function plain(value: unknown): Piece {
  if (value === null) return none();
  if (typeof value === "boolean") return boolean(value);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return list(value.map(plain));
  if (typeof value === "object") return plainDict(value as Readonly<Record<string, unknown>>);
  throw inputError(`A checkpoint cannot hold a value of type ${typeof value} in its metadata.`);
}

/** Undefined properties are omitted, as JSON does it. */
function plainDict(value: Readonly<Record<string, unknown>>): Piece {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return dict(entries.map(([key, item]) => [key, plain(item)] as const));
}
