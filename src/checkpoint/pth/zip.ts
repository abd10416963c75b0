import { ELEMENT_BYTES } from "../../common/stateDict.js";
import { allowanceFor } from "../allowance.js";
import { damage } from "../damage.js";
import type { CheckpointContent } from "../formats.js";
import { declaredStorages, unpickle } from "../pickle/unpickle.js";
import type { PickleStorage } from "../pickle/values.js";
import { quote } from "../stateNames.js";
import { type Archive, entryBytes, openArchive } from "./archive.js";
import { contentOfPickle } from "./content.js";

/**
 * Reads what torch.save has written since PyTorch 1.6: a zip of `NAME/data.pkl` and one `NAME/data/KEY` per storage,
 * whatever the folder NAME is.
 * @throws an error whose message says what is wrong
 */
export async function parsePthZip(bytes: Uint8Array): Promise<CheckpointContent> {
  const archive = await openArchive(bytes);
  const allowance = allowanceFor(bytes.length);
  const folder = topFolder(archive);
  const read = (name: string): Uint8Array | undefined => {
    const entry = archive.entries.get(folder + name);
    return entry && entryBytes(archive, entry, allowance);
  };
  checkByteOrder(read("byteorder"));
  const pickled = unpickle(read("data.pkl") ?? new Uint8Array(0));
  declaredStorages(pickled);
  const storages = new Map<string, Uint8Array>();
  const storageBytes = (storage: PickleStorage): Uint8Array => {
    const data = storages.get(storage.key) ?? read(`data/${storage.key}`);
    if (!data) throw damage(`its zip has no entry ${quote(`${folder}data/${storage.key}`)}`);
    storages.set(storage.key, data);
    return checkedLength(storage, data);
  };
  return contentOfPickle(pickled.value, storageBytes, allowance);
}

const PICKLE = /^(?:[^/]+\/)?data\.pkl$/;

function topFolder({ entries }: Archive): string {
  const pickles = [...entries.keys()].filter((name) => PICKLE.test(name));
  const [name, another] = pickles;
  if (name === undefined) throw damage("it is a zip file without data.pkl, not one of torch.save");
  if (another !== undefined) throw damage(`it holds ${quote(name)} and ${quote(another)}`);
  return name.slice(0, -"data.pkl".length);
}

/** Absent before PyTorch 2.1; all files were little-endian in practice. */
function checkByteOrder(bytes: Uint8Array | undefined): void {
  const order = bytes && Buffer.from(bytes.subarray(0, 20)).toString("latin1");
  if (order !== undefined && order !== "little")
    throw damage(
      `its numbers are stored in the byte order ${quote(order)}; only "little" can be read`,
    );
}

function checkedLength({ key, dtype, count }: PickleStorage, data: Uint8Array): Uint8Array {
  const wanted = count * ELEMENT_BYTES[dtype];
  if (data.length !== wanted)
    throw damage(
      `its storage ${quote(key)} has ${data.length} bytes instead of ${wanted} (${count} of ${dtype})`,
    );
  return data;
}
