import { damage } from "../damage.js";
import { quote } from "../stateNames.js";
import { type PickleCursor, pickleCursor, readUint8 } from "./cursor.js";
import { newMachine, pop } from "./machine.js";
import { OPCODES } from "./opcodes.js";
import type { PickleStorage, PickleValue } from "./values.js";

/** Far above any checkpoint (about 50 per tensor); bounds the time and memory of hostile pickles. */
const MAX_OPCODES = 1_000_000;

const STOP = 0x2e;

export interface Unpickled {
  readonly value: PickleValue;
  readonly end: number;
  readonly storages: readonly PickleStorage[];
}

/**
 * Reads one pickle (protocols 0 to 5) that holds tensors and plain containers. Nothing in it is ever executed: it is
 * interpreted by our own table of operations, and every Python name outside a short allow-list is refused.
 * Time and memory are linear in the bytes read.
 * @returns the value, the position after the pickle, and every storage it names
 * @throws an error whose message says what is wrong, or names what was refused
 */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  const cursor = pickleCursor(bytes, start);
  const machine = newMachine(cursor);
  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = readUint8(cursor);
    if (opcode === STOP)
      return { value: pop(machine), end: cursor.position, storages: machine.storages };
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
  return damage(
    `its pickle has the unknown or unsupported operation 0x${hex} at byte ${position - 1}`,
  );
}
