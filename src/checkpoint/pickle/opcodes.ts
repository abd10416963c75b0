import { damage } from "../damage.js";
import * as read from "./cursor.js";
import { callGlobal, resolveGlobal, storageOf } from "./globals.js";
import {
  addPairs,
  countCopy,
  type PickleMachine,
  pop,
  popMany,
  popToMark,
  push,
  pushAgain,
  top,
} from "./machine.js";
import { buildDtype } from "./numpyScalar.js";
import { parseFloatText, parseQuoted, parseUnicodeEscapes } from "./text.js";
import { isKind, type PickleMap, type PickleTuple, type PickleValue } from "./values.js";

type Operation = (machine: PickleMachine) => void;

const HIGHEST_PROTOCOL = 5;

const tuple = (items: readonly PickleValue[]): PickleTuple => ({ kind: "tuple", items });

/** An operation that reads something where the cursor stands and pushes it. */
const pushes =
  (value: (cursor: read.PickleCursor) => PickleValue): Operation =>
  (machine) =>
    push(machine, value(machine.cursor));

/** Python's names of the operations, by their byte; see Lib/pickletools.py. What is missing is refused. */
export const OPCODES: Readonly<Record<number, Operation>> = byCode({
  // Frame and stack
  "\x80": ({ cursor }) => checkProtocol(read.readUint8(cursor)),
  "\x95": ({ cursor }) => void read.readUint64(cursor),
  "(": ({ stack, marks }) => void marks.push(stack.length),
  "0": popOrMark,
  "1": popToMark,
  "2": (machine) => pushAgain(machine, top(machine)),
  // Plain values
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
  // Containers
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
  // Memo
  g: (machine) => recall(machine, read.parseInteger(read.readLine(machine.cursor))),
  h: (machine) => recall(machine, read.readUint8(machine.cursor)),
  j: (machine) => recall(machine, read.readUint32(machine.cursor)),
  p: (machine) => store(machine, read.parseInteger(read.readLine(machine.cursor))),
  q: (machine) => store(machine, read.readUint8(machine.cursor)),
  r: (machine) => store(machine, read.readUint32(machine.cursor)),
  "\x94": (machine) => store(machine, machine.memo.size),
  // Names, calls, storages
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
  return Object.fromEntries(
    Object.entries(operations).map(([char, run]) => [char.charCodeAt(0), run]),
  );
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
  else if (isKind(target, "namespace") && state instanceof Map)
    addPairs(target.fields, [...state].flat(1));
  else throw damage("its pickle gives state to something that has none");
}
