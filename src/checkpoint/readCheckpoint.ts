import { inputError } from "../common/errors.js";
import { readInputFile } from "../common/files/inputFile.js";
import { damage, namingFile } from "./damage.js";
import type { CheckpointContent, CheckpointFormat } from "./formats.js";
import { decodeMetadata } from "./metadata.js";
import { isPthLegacy, parsePthLegacy } from "./pth/legacy.js";
import { parsePthZip } from "./pth/zip.js";
import { parseSafetensors } from "./safetensors.js";
import { checkpointFileOf, isSavedModel } from "./savedModelFolder.js";
import { unsealed } from "./seal.js";
import { currentNames, stripModulePrefix } from "./stateNames.js";

export interface Checkpoint extends CheckpointContent {
  readonly path: string;
  readonly format: CheckpointFormat;
}

/** Bounds the memory that a checkpoint may ask for. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Reads a checkpoint of any supported format, a SavedModel of ours among them; the content decides which, not the name.
 * "module." prefixes of torch.nn.DataParallel are removed, and names of early torchvision are brought up to date.
 * @throws inputError that names the file, its size, what is wrong and what was expected
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = checkpointFileOf(path);
  const bytes = readWholeFile(file);
  return namingFile(file, bytes.length, async () => {
    const { format, state, metadata, isSealed = false } = await parseCheckpoint(bytes);
    return {
      path,
      format: isSavedModel(path) ? "savedmodel" : format,
      state: currentNames(stripModulePrefix(state)),
      metadata,
      isSealed,
    };
  });
}

/**
 * Parses the bytes of a checkpoint of any supported format.
 * @throws an error whose message says what is wrong, without naming the file
 */
export async function parseCheckpoint(
  bytes: Uint8Array,
): Promise<CheckpointContent & { readonly format: CheckpointFormat }> {
  const row = FORMATS.find(({ recognises }) => recognises(bytes));
  if (!row) throw damage(unknownContent(bytes), EXPECTED);
  return { format: row.format, ...(await row.parse(bytes)) };
}

interface FormatRow {
  readonly format: CheckpointFormat;
  readonly recognises: (bytes: Uint8Array) => boolean;
  readonly parse: (bytes: Uint8Array) => CheckpointContent | Promise<CheckpointContent>;
}

const FORMATS: readonly FormatRow[] = [
  {
    format: "pth-zip",
    recognises: (bytes) =>
      bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4,
    parse: parsePthZip,
  },
  { format: "pth-legacy", recognises: isPthLegacy, parse: parsePthLegacy },
  {
    format: "safetensors",
    recognises: (bytes) => bytes[8] === 0x7b && bytes[7] === 0 && bytes[6] === 0,
    parse: (bytes) => {
      const { state, metadata: found } = parseSafetensors(bytes);
      const { metadata, isSealed } = unsealed(state, found);
      return { state, metadata: decodeMetadata(metadata), isSealed };
    },
  },
];

const EXPECTED =
  "A checkpoint is a file written by torch.save (.pth, .pt), a .safetensors file, or a SavedModel of pefd; name one of those.";

function unknownContent(bytes: Uint8Array): string {
  if (bytes.length === 0) return "it is empty";
  const first = bytes.subarray(0, 16);
  const isText = first.every((byte) => byte >= 0x20 || (byte >= 9 && byte <= 13));
  const shown = isText
    ? JSON.stringify(new TextDecoder().decode(first))
    : Buffer.from(first).toString("hex");
  return `it is neither a PyTorch (.pth) nor a safetensors file; it begins with ${shown}`;
}

function readWholeFile(path: string): Uint8Array {
  try {
    return readInputFile(path, { maxBytes: MAX_FILE_BYTES, hint: EXPECTED });
  } catch (error) {
    throw readError(path, error as NodeJS.ErrnoException);
  }
}

function readError(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === undefined) return error;
  if (error.code === "ENOENT" || error.code === "ENOTDIR")
    return inputError(`There is no file ${path}.`, EXPECTED);
  if (error.code === "EACCES") return inputError(`${path} cannot be read: permission denied.`);
  return inputError(`${path} cannot be read: ${error.message}.`);
}
