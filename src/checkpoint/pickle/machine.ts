import { damage } from "../damage.js";
import { quote } from "../stateNames.js";
import type { PickleCursor } from "./cursor.js";
import { isKind, type PickleMap, type PickleStorage, type PickleValue } from "./values.js";

/** A container takes far more memory than the one byte that asks for it, so their number is bounded. */
const MAX_CONTAINERS = 200_000;

/** Calls may copy what the memo holds again and again; this many elements and bytes in all are enough. */
const MAX_COPIED = 1_000_000;

export interface PickleMachine {
  readonly cursor: PickleCursor;
  readonly stack: PickleValue[];
  /** Stack heights at which a MARK stands, lowest first. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  readonly storages: PickleStorage[];
  containers: number;
  copied: number;
}

export const newMachine = (cursor: PickleCursor): PickleMachine => ({
  cursor,
  stack: [],
  marks: [],
  memo: new Map(),
  storages: [],
  containers: 0,
  copied: 0,
});

export function push(machine: PickleMachine, value: PickleValue): void {
  if (typeof value === "object" && value !== null) countContainer(machine);
  machine.stack.push(value);
}

/** Pushes a value that exists already. */
export function pushAgain(machine: PickleMachine, value: PickleValue | undefined): void {
  if (value === undefined) throw damage("its pickle refers to a value that it never stored");
  machine.stack.push(value);
}

function countContainer(machine: PickleMachine): void {
  machine.containers++;
  if (machine.containers > MAX_CONTAINERS) throw damage(`its pickle holds more than ${MAX_CONTAINERS} objects`);
}

/** Counts what is about to be copied, so that no small pickle can ask for endless copies of one value. */
export function countCopy(machine: PickleMachine, values: readonly PickleValue[]): void {
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
export function top(machine: PickleMachine): PickleValue {
  const { stack, marks } = machine;
  const value = stack.length > (marks.at(-1) ?? 0) ? stack.at(-1) : undefined;
  if (value === undefined) throw damage("its pickle takes a value from an empty stack");
  return value;
}

export function pop(machine: PickleMachine): PickleValue {
  const value = top(machine);
  machine.stack.pop();
  return value;
}

/** The topmost `count` values, in the order they were pushed. */
export function popMany(machine: PickleMachine, count: number): PickleValue[] {
  return Array.from({ length: count }, () => pop(machine)).reverse();
}

/** All values above the last mark, which goes too. */
export function popToMark(machine: PickleMachine): PickleValue[] {
  const mark = machine.marks.pop();
  if (mark === undefined) throw damage("its pickle takes values up to a mark that is not there");
  return machine.stack.splice(mark);
}

/** Puts key, value, key, value, ... into a map. @throws for a repeated key, which would hide a tensor */
export function addPairs(map: PickleMap, items: readonly PickleValue[]): void {
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
