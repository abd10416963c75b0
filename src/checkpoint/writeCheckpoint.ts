import { extname } from "node:path";
import { inputError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import type { StateDict } from "../common/stateDict.js";
import { encodeMetadata, type Metadata } from "./metadata.js";
import { serializePth } from "./pth/writer.js";
import { serializeSafetensors } from "./safetensors.js";
import { sealed } from "./seal.js";

type Serialize = (state: StateDict, metadata: Metadata) => Uint8Array | Promise<Uint8Array>;

const SERIALIZERS: Readonly<Record<string, Serialize>> = {
  ".safetensors": (state, metadata) => serializeSafetensors(state, encodeMetadata(metadata)),
  ".pth": serializePth,
};

/** File name endings that writeCheckpoint knows. */
export const CHECKPOINT_ENDINGS: readonly string[] = Object.keys(SERIALIZERS);

/**
 * The bytes of a checkpoint in the format that the file's ending names. Equal input gives equal bytes.
 * @param metadata plain values (strings, numbers, booleans, null, arrays, objects)
 * @throws inputError for an unknown ending
 */
export async function checkpointBytes(
  path: string,
  state: StateDict,
  metadata: Metadata = {},
): Promise<Uint8Array> {
  const ending = extname(path);
  const serialize = SERIALIZERS[ending];
  if (!serialize)
    throw inputError(
      `${path} ends in ${ending || "nothing"}, which names no checkpoint format.`,
      `Use one of ${CHECKPOINT_ENDINGS.join(", ")}.`,
    );
  return serialize(state, metadata);
}

/**
 * Writes a checkpoint atomically; see checkpointBytes.
 * @throws inputError for an unknown ending or a missing folder, runError when the disk refuses
 */
export const writeCheckpoint = async (
  path: string,
  state: StateDict,
  metadata: Metadata = {},
): Promise<void> => writeFileAtomic(path, await checkpointBytes(path, state, metadata));

/**
 * Writes a safetensors file with a checksum of its content in its metadata, which every reader here compares.
 * @throws as writeCheckpoint
 */
export const writeSealedCheckpoint = (
  path: string,
  state: StateDict,
  metadata: Metadata,
): Promise<void> =>
  writeFileAtomic(path, serializeSafetensors(state, sealed(state, encodeMetadata(metadata))));
