import { extname } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import { inputError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import { sizeOf, stridesOf } from "../common/shapes.js";
import type { StateDict, StateTensor } from "../common/stateDict.js";
import { encodeMetadata, type Metadata } from "./metadata.js";
import { STORAGE_TYPES } from "./pickle/values.js";
import * as write from "./pickle/writer.js";
import { WRAPPERS } from "./pth.js";
import { serializeSafetensors } from "./safetensors.js";
import { sealed } from "./seal.js";

/** The folder within the zip; torch.load takes any. */
const FOLDER = "archive";

/**
 * The bytes of a .pth file (torch.save's zip), equal for equal input; torch.load(..., weights_only=True) opens it as
 * `{"model": OrderedDict of tensors, ...metadata}`. A metadata name that would hide the tensors ("model", "state_dict",
 * "net") is written as "model_name" etc.
 */
export async function serializePth(state: StateDict, metadata: Metadata): Promise<Uint8Array> {
  const zip = new ZipFile();
  const add = (name: string, data: Uint8Array): void =>
    zip.addBuffer(asBuffer(data), `${FOLDER}/${name}`, ENTRY_OPTIONS);
  add("data.pkl", pickleOf(state, metadata));
  add("byteorder", Buffer.from("little"));
  [...state.values()].forEach((tensor, key) => {
    add(`data/${key}`, tensor.data);
  });
  add("version", Buffer.from("3\n"));
  zip.end();
  return buffer(zip.outputStream);
}

/** A fixed date in local time, as zip files have it: the bytes depend on neither clock nor time zone. */
const ENTRY_OPTIONS = { compress: false, mtime: new Date(1980, 0, 1), mode: 0o100644, forceDosTimestamp: true };

const asBuffer = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function pickleOf(state: StateDict, metadata: Metadata): Uint8Array {
  const tensors = Array.from(state, ([name, tensor], key) => [name, tensorPiece(tensor, key)] as const);
  const given = Object.entries(metadata).filter(([, value]) => value !== undefined);
  // As a map: metadata that went through a .pth before may say "model" and "model_name".
  const others = new Map(given.map(([name, value]) => [metadataName(name), write.plain(value)] as const));
  return write.pickle(write.dict([["model", write.orderedDict(tensors)], ...others]));
}

const metadataName = (name: string): string => (WRAPPERS.includes(name) ? `${name}_name` : name);

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks) */
function tensorPiece({ dtype, shape }: StateTensor, key: number): write.Piece {
  const storage = write.persistentId(
    write.tuple([
      write.text("storage"),
      write.global("torch", STORAGE_TYPES[dtype]),
      write.text(String(key)),
      write.text("cpu"),
      write.number(sizeOf(shape)),
    ]),
  );
  return write.call("torch._utils", "_rebuild_tensor_v2", [
    storage,
    write.number(0),
    write.tuple(shape.map(write.number)),
    write.tuple(stridesOf(shape).map(write.number)),
    write.boolean(false),
    write.call("collections", "OrderedDict", []),
  ]);
}

type Serialize = (state: StateDict, metadata: Metadata) => Uint8Array | Promise<Uint8Array>;

const SERIALIZERS: Readonly<Record<string, Serialize>> = {
  ".safetensors": (state, metadata) => serializeSafetensors(state, encodeMetadata(metadata)),
  ".pth": serializePth,
};

const CHECKPOINT_ENDINGS: readonly string[] = Object.keys(SERIALIZERS);

/** A checkpoint's bytes in the format of the path's ending, equal for equal input. @throws inputError for others */
export async function checkpointBytes(path: string, state: StateDict, metadata: Metadata = {}): Promise<Uint8Array> {
  const ending = extname(path);
  const serialize = SERIALIZERS[ending];
  if (!serialize)
    throw inputError(
      `${path} ends in ${ending || "nothing"}, which names no checkpoint format.`,
      `Use one of ${CHECKPOINT_ENDINGS.join(", ")}.`,
    );
  return serialize(state, metadata);
}

/** Writes checkpointBytes atomically. @throws inputError for an unknown ending or folder, runError of the disk */
export const writeCheckpoint = async (path: string, state: StateDict, metadata: Metadata = {}): Promise<void> =>
  writeFileAtomic(path, await checkpointBytes(path, state, metadata));

/** Writes a safetensors file with a checksum of its content, which readers here compare. @throws as writeCheckpoint */
export const writeSealedCheckpoint = (path: string, state: StateDict, metadata: Metadata): Promise<void> =>
  writeFileAtomic(path, serializeSafetensors(state, sealed(state, encodeMetadata(metadata))));
