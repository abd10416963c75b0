import { ELEMENT_BYTES } from "../../common/stateDict.js";
import { allowanceFor } from "../allowance.js";
import { damage } from "../damage.js";
import type { CheckpointContent } from "../formats.js";
import { declaredStorages, type Unpickled, unpickle } from "../pickle/unpickle.js";
import type { PickleStorage, PickleValue } from "../pickle/values.js";
import { quote } from "../stateNames.js";
import { contentOfPickle } from "./content.js";

/** torch.serialization.MAGIC_NUMBER */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** The longest pickle of the magic number (protocol 4) has 24 bytes. */
const MAGIC_PICKLE_BYTES = 64;

/** Whether the bytes begin as torch.save began files before PyTorch 1.6, in any protocol. */
export function isPthLegacy(bytes: Uint8Array): boolean {
  try {
    return unpickle(bytes.subarray(0, MAGIC_PICKLE_BYTES)).value === MAGIC_NUMBER;
  } catch {
    return false;
  }
}

/**
 * Reads the format that torch.save wrote before PyTorch 1.6: five pickles (magic number, version, system, value,
 * storage keys), then the storages one after the other, each with its count.
 * @throws an error whose message says what is wrong
 */
export function parsePthLegacy(bytes: Uint8Array): CheckpointContent {
  const magic = unpickle(bytes);
  const version = unpickle(bytes, magic.end);
  const system = unpickle(bytes, version.end);
  checkPreamble(magic.value, version.value, system.value);
  const main = unpickle(bytes, system.end);
  const keys = unpickle(bytes, main.end);
  const storages = readStorages(bytes, keys, declaredStorages(main));
  const storageBytes = ({ key }: PickleStorage): Uint8Array => {
    const data = storages.get(key);
    if (!data) throw damage(`its storage ${quote(key)} is missing`);
    return data;
  };
  return contentOfPickle(main.value, storageBytes, allowanceFor(bytes.length));
}

function checkPreamble(magic: PickleValue, version: PickleValue, system: PickleValue): void {
  if (magic !== MAGIC_NUMBER)
    throw damage("its first bytes are not the magic number of torch.save");
  if (version !== PROTOCOL_VERSION)
    throw damage("it has an unknown version of torch.save's old format");
  if (!(system instanceof Map)) throw damage("it does not say on which system it was written");
  if (system.get("little_endian") !== true)
    throw damage("its numbers are stored big-endian; only little-endian files can be read");
}

function readStorages(
  bytes: Uint8Array,
  keys: Unpickled,
  declared: ReadonlyMap<string, PickleStorage>,
): ReadonlyMap<string, Uint8Array> {
  if (!Array.isArray(keys.value)) throw damage("its list of storages is missing");
  const storages = new Map<string, Uint8Array>();
  let position = keys.end;
  for (const key of keys.value) {
    const storage = typeof key === "string" ? declared.get(key) : undefined;
    if (!storage || storages.has(storage.key))
      throw damage("its list of storages names one twice or one that nothing uses");
    const data = readStorage(bytes, position, storage);
    storages.set(storage.key, data);
    position += COUNT_BYTES + data.length;
  }
  return storages;
}

const COUNT_BYTES = 8;

function readStorage(bytes: Uint8Array, position: number, storage: PickleStorage): Uint8Array {
  const { key, dtype, count } = storage;
  const left = bytes.length - position - COUNT_BYTES;
  const wanted = count * ELEMENT_BYTES[dtype];
  if (!(wanted <= left))
    throw damage(
      `its storage ${quote(key)} needs ${wanted} bytes, but ${Math.max(left, 0)} are left`,
    );
  const stored = new DataView(bytes.buffer, bytes.byteOffset + position).getBigInt64(0, true);
  if (stored !== BigInt(count))
    throw damage(`its storage ${quote(key)} has ${stored} elements instead of ${count}`);
  const start = position + COUNT_BYTES;
  return bytes.subarray(start, start + wanted);
}
