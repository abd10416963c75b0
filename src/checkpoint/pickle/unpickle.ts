import type { ElementType } from "../../common/stateDict.js";
import { damage } from "../damage.js";
import { quote } from "../stateNames.js";
import * as read from "./cursor.js";
import { type PickleCursor, pickleCursor, readUint8 } from "./cursor.js";
import {
  buildDtype,
  isKind,
  itemsOf,
  numpyDtype,
  numpyScalar,
  type PickleMap,
  type PickleStorage,
  type PickleTensor,
  type PickleTuple,
  type PickleValue,
  STORAGE_TYPES,
} from "./values.js";

/** A container takes far more memory than the one byte that asks for it, so their number is bounded. */
const MAX_CONTAINERS = 200_000;

/** Calls may copy what the memo holds again and again; this many elements and bytes in all are enough. */
const MAX_COPIED = 1_000_000;

interface PickleMachine {
  readonly cursor: PickleCursor;
  readonly stack: PickleValue[];
  /** Stack heights at which a MARK stands, lowest first. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  readonly storages: PickleStorage[];
  containers: number;
  copied: number;
}

const newMachine = (cursor: PickleCursor): PickleMachine => ({
  cursor,
  stack: [],
  marks: [],
  memo: new Map(),
  storages: [],
  containers: 0,
  copied: 0,
});

function push(machine: PickleMachine, value: PickleValue): void {
  if (typeof value === "object" && value !== null) countContainer(machine);
  machine.stack.push(value);
}

/** Pushes a value that exists already. */
function pushAgain(machine: PickleMachine, value: PickleValue | undefined): void {
  if (value === undefined) throw damage("its pickle refers to a value that it never stored");
  machine.stack.push(value);
}

function countContainer(machine: PickleMachine): void {
  machine.containers++;
  if (machine.containers > MAX_CONTAINERS) throw damage(`its pickle holds more than ${MAX_CONTAINERS} objects`);
}

/** Counts what is about to be copied, so that no small pickle can ask for endless copies of one value. */
function countCopy(machine: PickleMachine, values: readonly PickleValue[]): void {
  for (const value of values) machine.copied += copyCost(value);
  if (machine.copied > MAX_COPIED) throw damage("its pickle copies the same values again and again");
}

function copyCost(value: PickleValue): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  return isKind(value, "tuple") ? value.items.length : 1;
}

/** The topmost value above the last mark, left in place. */
function top(machine: PickleMachine): PickleValue {
  const { stack, marks } = machine;
  const value = stack.length > (marks.at(-1) ?? 0) ? stack.at(-1) : undefined;
  if (value === undefined) throw damage("its pickle takes a value from an empty stack");
  return value;
}

function pop(machine: PickleMachine): PickleValue {
  const value = top(machine);
  machine.stack.pop();
  return value;
}

/** The topmost `count` values, in the order they were pushed. */
function popMany(machine: PickleMachine, count: number): PickleValue[] {
  return Array.from({ length: count }, () => pop(machine)).reverse();
}

/** All values above the last mark, which goes too. */
function popToMark(machine: PickleMachine): PickleValue[] {
  const mark = machine.marks.pop();
  if (mark === undefined) throw damage("its pickle takes values up to a mark that is not there");
  return machine.stack.splice(mark);
}

/** Puts key, value, key, value, ... into a map. @throws for a repeated key, which would hide a tensor */
function addPairs(map: PickleMap, items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) throw damage("its pickle has a dict with a key but no value");
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i] as PickleValue;
    if (map.has(key)) throw repeated(key);
    map.set(key, items[i + 1] as PickleValue);
  }
}

function repeated(key: PickleValue): Error {
  const name = typeof key === "string" ? `the name ${quote(key)}` : "a key";
  return damage(`${name} occurs twice in a dict of its pickle`);
}

/** The element type of each torch.*Storage. */
const STORAGES: Readonly<Record<string, ElementType>> = Object.fromEntries(
  Object.entries(STORAGE_TYPES).map(([dtype, name]) => [`torch.${name}`, dtype as ElementType]),
);

type Call = (args: readonly PickleValue[]) => PickleValue;

/** Everything a pickle may call, with our own code in the place of Python's. */
const CALLS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": ([pairs]) => mapOfPairs(itemsOf(pairs) ?? []),
  "builtins.set": ([items]) => new Set(itemsOf(items) ?? []),
  "builtins.frozenset": ([items]) => new Set(itemsOf(items) ?? []),
  "builtins.bytes": () => new Uint8Array(0),
  "_codecs.encode": ([text, encoding]) => encodeLatin1(text, encoding),
  "torch.Size": ([sizes]) => ({ kind: "tuple", items: itemsOf(sizes) ?? [] }),
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => expectTensor(tensor),
  "numpy.dtype": numpyDtype,
  "numpy.core.multiarray.scalar": numpyScalar,
  "argparse.Namespace": () => ({ kind: "namespace", fields: new Map() }),
  "copyreg._reconstructor": ([type]) => reconstruct(type),
};

/** Names that may stand in a pickle but are never called. */
const MARKERS: readonly string[] = ["builtins.object", ...Object.keys(STORAGES)];

/** Modules that Python or numpy renamed, and the place of storages that were saved from a GPU. */
const RENAMED: Readonly<Record<string, string>> = {
  __builtin__: "builtins",
  copy_reg: "copyreg",
  "numpy._core.multiarray": "numpy.core.multiarray",
  "torch.cuda": "torch",
};

/** A name in the allow-list; nothing of a pickle is ever run. @throws an error that names what is not there */
function resolveGlobal(module: string, name: string): PickleValue {
  const place = Object.hasOwn(RENAMED, module) ? RENAMED[module] : module;
  const resolved = `${place}.${name}`;
  if (!Object.hasOwn(CALLS, resolved) && !MARKERS.includes(resolved)) throw refusal(module, name);
  return { kind: "global", name: resolved };
}

const refusal = (module: string, name: string): Error =>
  damage(
    `its pickle asks for the Python object ${quote(`${module}.${name}`)}, which is neither a tensor nor a plain value; it was refused and nothing was run`,
    "If the file is your own, save only its state_dict from Python: torch.save(model.state_dict(), PATH).",
  );

/** Does what Python would do for `callable(*args)`, for names of the allow-list only. */
function callGlobal(callable: PickleValue | undefined, args: readonly PickleValue[]): PickleValue {
  if (!isKind(callable, "global")) throw damage("its pickle calls something that is no function");
  if (!Object.hasOwn(CALLS, callable.name)) throw damage(`its pickle calls ${callable.name}`);
  return (CALLS[callable.name] as Call)(args);
}

/** From torch's persistent id: ("storage", type, key, device, count, legacy view (key, start, count) or None). */
function storageOf(id: PickleValue): PickleStorage {
  const [tag, type, key, , count, view] = isKind(id, "tuple") ? id.items : [];
  const dtype = isKind(type, "global") ? STORAGES[type.name] : undefined;
  if (tag !== "storage" || !dtype || typeof key !== "string" || !isCount(count))
    throw damage("its pickle names a storage in an unknown way");
  const start = isKind(view, "tuple") ? view.items[1] : 0;
  if (!isCount(start)) throw damage("its pickle names a view of a storage in an unknown way");
  return { kind: "storage", key, dtype, count, start };
}

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Python 2 wrote an OrderedDict as a list of [key, value] lists. */
function mapOfPairs(pairs: readonly PickleValue[]): PickleMap {
  const map: PickleMap = new Map();
  for (const pair of pairs) addPairs(map, pairOf(pair));
  return map;
}

function pairOf(value: PickleValue): readonly PickleValue[] {
  const pair = Array.isArray(value) || isKind(value, "tuple") ? itemsOf(value) : undefined;
  if (pair?.length !== 2)
    throw damage("its pickle makes an OrderedDict of something that is no pair of name and value");
  return pair;
}

function encodeLatin1(text: PickleValue | undefined, encoding: PickleValue | undefined): Uint8Array {
  if (typeof text !== "string" || encoding !== "latin1") throw damage("its pickle encodes bytes in an unknown way");
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

const MAX_RANK = 64;

function rebuildTensor(args: readonly PickleValue[]): PickleTensor {
  const [storage, offset, size, stride] = args;
  if (args[6] instanceof Map && args[6].size > 0)
    throw damage("it holds a conjugated or negated view of a tensor, which is not supported");
  const [shape, strides] = [itemsOf(size), itemsOf(stride)];
  if (!isKind(storage, "storage") || !isCount(offset) || !shape || !strides)
    throw damage("its pickle describes a tensor without a storage, offset, size or stride");
  if (shape.length !== strides.length || shape.length > MAX_RANK)
    throw damage(`its pickle has a tensor of ${shape.length} sizes and ${strides.length} strides`);
  if (!shape.every(isCount) || !strides.every(isCount))
    throw damage("its pickle describes a tensor with a negative size or stride");
  return { kind: "tensor", storage, offset, shape, strides };
}

function expectTensor(value: PickleValue | undefined): PickleTensor {
  if (!isKind(value, "tensor")) throw damage("its pickle makes a parameter of something else");
  return value;
}

/** Protocols 0 and 1 make an empty object this way and fill it with BUILD. */
function reconstruct(type: PickleValue | undefined): PickleValue {
  if (!isKind(type, "global") || type.name !== "argparse.Namespace")
    throw damage("its pickle reconstructs an object that is no argparse.Namespace");
  return { kind: "namespace", fields: new Map() };
}

const SIMPLE: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

/** Python 2's repr of a str, e.g. `'a\x00\n'`. */
function parseQuoted(line: string): string {
  const text = /^(['"])(.*)\1$/s.exec(line.trim())?.[2];
  if (text === undefined) throw damage("its pickle has a string without quotes");
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex?: string, char = "") =>
    hex === undefined ? (SIMPLE[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Python's raw-unicode-escape, e.g. `\u00fc`. */
function parseUnicodeEscapes(line: string): string {
  return line.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? "", 16);
    if (code > 0x10ffff) throw damage("its pickle has text that is not Unicode");
    return String.fromCodePoint(code);
  });
}

function parseFloatText(line: string): number {
  const text = line.trim();
  const special = /^([+-]?)(inf|nan)$/i.exec(text);
  if (special?.[2]) return special[2].toLowerCase() === "nan" ? Number.NaN : infinity(special[1]);
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw damage("its pickle has a number that is none");
  return Number(text);
}

const infinity = (sign: string | undefined): number =>
  sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;

type Operation = (machine: PickleMachine) => void;

const HIGHEST_PROTOCOL = 5;

const tuple = (items: readonly PickleValue[]): PickleTuple => ({ kind: "tuple", items });

/** An operation that reads at the cursor and pushes what it read. */
const pushes =
  (value: (cursor: read.PickleCursor) => PickleValue): Operation =>
  (machine) =>
    push(machine, value(machine.cursor));

/** Python's operations by their byte; see Lib/pickletools.py. What is missing is refused. */
const OPCODES: Readonly<Record<number, Operation>> = byCode({
  "\x80": ({ cursor }) => checkProtocol(read.readUint8(cursor)),
  "\x95": ({ cursor }) => void read.readUint64(cursor),
  "(": ({ stack, marks }) => void marks.push(stack.length),
  "0": popOrMark,
  "1": popToMark,
  "2": (machine) => pushAgain(machine, top(machine)),
  N: pushes(() => null),
  "\x88": pushes(() => true),
  "\x89": pushes(() => false),
  I: pushes((cursor) => integerOrBoolean(read.readLine(cursor))),
  J: pushes(read.readInt32),
  K: pushes(read.readUint8),
  M: pushes(read.readUint16),
  L: pushes((cursor) => read.parseInteger(read.readLine(cursor))),
  "\x8a": pushes((cursor) => read.readLong(cursor, read.readUint8(cursor))),
  "\x8b": pushes((cursor) => read.readLong(cursor, read.readInt32(cursor))),
  F: pushes((cursor) => parseFloatText(read.readLine(cursor))),
  G: pushes(read.readFloat64),
  S: pushes((cursor) => parseQuoted(read.readLine(cursor))),
  T: pushes((cursor) => read.readByteText(cursor, read.readInt32(cursor))),
  U: pushes((cursor) => read.readByteText(cursor, read.readUint8(cursor))),
  V: pushes((cursor) => parseUnicodeEscapes(read.readLine(cursor))),
  X: pushes((cursor) => read.readText(cursor, read.readUint32(cursor))),
  "\x8c": pushes((cursor) => read.readText(cursor, read.readUint8(cursor))),
  "\x8d": pushes((cursor) => read.readText(cursor, read.readUint64(cursor))),
  B: pushes((cursor) => read.readBytes(cursor, read.readUint32(cursor))),
  C: pushes((cursor) => read.readBytes(cursor, read.readUint8(cursor))),
  "\x8e": pushes((cursor) => read.readBytes(cursor, read.readUint64(cursor))),
  "\x96": pushes((cursor) => read.readBytes(cursor, read.readUint64(cursor))),
  "]": pushes(() => []),
  l: (machine) => push(machine, popToMark(machine)),
  a: (machine) => append(machine, [pop(machine)]),
  e: (machine) => append(machine, popToMark(machine)),
  ")": pushes(() => tuple([])),
  t: (machine) => push(machine, tuple(popToMark(machine))),
  "\x85": (machine) => push(machine, tuple(popMany(machine, 1))),
  "\x86": (machine) => push(machine, tuple(popMany(machine, 2))),
  "\x87": (machine) => push(machine, tuple(popMany(machine, 3))),
  "}": pushes(() => new Map()),
  d: (machine) => push(machine, mapOf(popToMark(machine))),
  s: (machine) => setItems(machine, popMany(machine, 2)),
  u: (machine) => setItems(machine, popToMark(machine)),
  "\x8f": pushes(() => new Set()),
  "\x90": (machine) => addItems(machine, popToMark(machine)),
  "\x91": (machine) => push(machine, new Set(popToMark(machine))),
  g: (machine) => recall(machine, read.parseInteger(read.readLine(machine.cursor))),
  h: (machine) => recall(machine, read.readUint8(machine.cursor)),
  j: (machine) => recall(machine, read.readUint32(machine.cursor)),
  p: (machine) => store(machine, read.parseInteger(read.readLine(machine.cursor))),
  q: (machine) => store(machine, read.readUint8(machine.cursor)),
  r: (machine) => store(machine, read.readUint32(machine.cursor)),
  "\x94": (machine) => store(machine, machine.memo.size),
  c: (machine) => push(machine, globalOfLines(machine)),
  "\x93": stackGlobal,
  R: (machine) => call(machine, popMany(machine, 2)),
  "\x81": (machine) => call(machine, popMany(machine, 2)),
  i: (machine) => call(machine, [globalOfLines(machine), tuple(popToMark(machine))]),
  o: (machine) => callWithMarked(machine, popToMark(machine)),
  b: build,
  P: (machine) => pushStorage(machine, read.readLine(machine.cursor)),
  Q: (machine) => pushStorage(machine, pop(machine)),
});

function byCode(operations: Readonly<Record<string, Operation>>): Record<number, Operation> {
  return Object.fromEntries(Object.entries(operations).map(([char, run]) => [char.charCodeAt(0), run]));
}

function checkProtocol(protocol: number): void {
  if (protocol > HIGHEST_PROTOCOL) throw damage(`its pickle has the unknown protocol ${protocol}`);
}

/** POP drops a mark that stands on top like a value. */
function popOrMark(machine: PickleMachine): void {
  if (machine.marks.at(-1) === machine.stack.length) machine.marks.pop();
  else pop(machine);
}

/** Protocols 0 and 1 write booleans as the integers 00 and 01. */
function integerOrBoolean(line: string): PickleValue {
  if (line === "00" || line === "01") return line === "01";
  return read.parseInteger(line);
}

function append(machine: PickleMachine, items: readonly PickleValue[]): void {
  const list = top(machine);
  if (!Array.isArray(list)) throw damage("its pickle appends to something that is no list");
  for (const item of items) list.push(item);
}

function mapOf(items: readonly PickleValue[]): PickleMap {
  const map: PickleMap = new Map();
  addPairs(map, items);
  return map;
}

function setItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const map = top(machine);
  if (!(map instanceof Map)) throw damage("its pickle sets an item of something that is no dict");
  addPairs(map, items);
}

function addItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const set = top(machine);
  if (!(set instanceof Set)) throw damage("its pickle adds to something that is no set");
  for (const item of items) set.add(item);
}

function recall(machine: PickleMachine, index: number | bigint): void {
  pushAgain(machine, machine.memo.get(Number(index)));
}

function store(machine: PickleMachine, index: number | bigint): void {
  machine.memo.set(Number(index), top(machine));
}

function globalOfLines({ cursor }: PickleMachine): PickleValue {
  const module = read.readLine(cursor);
  return resolveGlobal(module, read.readLine(cursor));
}

function stackGlobal(machine: PickleMachine): void {
  const [module, name] = popMany(machine, 2);
  if (typeof module !== "string" || typeof name !== "string")
    throw damage("its pickle names a Python object by something that is no text");
  push(machine, resolveGlobal(module, name));
}

function call(machine: PickleMachine, [callable, args]: readonly PickleValue[]): void {
  if (!isKind(args, "tuple")) throw damage("its pickle calls something without arguments");
  countCopy(machine, args.items);
  push(machine, callGlobal(callable, args.items));
}

function callWithMarked(machine: PickleMachine, items: readonly PickleValue[]): void {
  call(machine, [items[0] ?? null, tuple(items.slice(1))]);
}

function pushStorage(machine: PickleMachine, id: PickleValue): void {
  const storage = storageOf(id);
  machine.storages.push(storage);
  push(machine, storage);
}

/** BUILD gives an object its state; a dict's own attributes (state_dict's _metadata) are of no use here. */
function build(machine: PickleMachine): void {
  const state = pop(machine);
  const target = top(machine);
  countCopy(machine, [state]);
  if (target instanceof Map) return;
  if (isKind(target, "dtype")) buildDtype(target, state);
  else if (isKind(target, "namespace") && state instanceof Map) addPairs(target.fields, [...state].flat(1));
  else throw damage("its pickle gives state to something that has none");
}

/** Far above any checkpoint (about 50 per tensor); bounds the time and memory of hostile pickles. */
const MAX_OPCODES = 1_000_000;

const STOP = 0x2e;

export interface Unpickled {
  readonly value: PickleValue;
  readonly end: number;
  readonly storages: readonly PickleStorage[];
}

/**
 * Reads a pickle (protocols 0 to 5) of tensors and plain containers, in time and memory linear in its bytes. Nothing in
 * it is executed: our own table of operations interprets it, and names outside a short allow-list are refused.
 * @returns the value, the position after the pickle, and every storage it names
 * @throws an error that says what is wrong, or names what was refused
 */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  const cursor = pickleCursor(bytes, start);
  const machine = newMachine(cursor);
  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = readUint8(cursor);
    if (opcode === STOP) return { value: pop(machine), end: cursor.position, storages: machine.storages };
    const run = OPCODES[opcode];
    if (!run) throw unknownOpcode(opcode, cursor);
    run(machine);
  }
  throw damage(`its pickle has more than ${MAX_OPCODES} operations`);
}

/** Every storage that a pickle uses, by key. @throws an error where two uses of one differ in type or size */
export function declaredStorages({ storages }: Unpickled): ReadonlyMap<string, PickleStorage> {
  const declared = new Map<string, PickleStorage>();
  for (const storage of storages) {
    const other = declared.get(storage.key);
    if (other && (other.dtype !== storage.dtype || other.count !== storage.count))
      throw damage(`its storage ${quote(storage.key)} is described in two ways`);
    declared.set(storage.key, storage);
  }
  return declared;
}

function unknownOpcode(opcode: number, { position }: PickleCursor): Error {
  const hex = opcode.toString(16).padStart(2, "0");
  return damage(`its pickle has the unknown or unsupported operation 0x${hex} at byte ${position - 1}`);
}
