import { PefdError } from "../../../common/errors.js";
import { sha256 } from "../../checksums.js";
import { readImage } from "../places.js";
import { type ImageReader, pixelsOfSize } from "../reader.js";
import type { ImageSize } from "../view.js";
import type { Examined, ToExamine } from "./types.js";

function examineOne(name: string, read: () => Uint8Array, reader: ImageReader, size?: ImageSize): Examined {
  let found: Examined = { bytes: 0 };
  try {
    const file = read();
    found = { bytes: file.length, sha256: sha256(file) };
    const { warning } = pixelsOfSize(reader, name, file, size);
    return warning === undefined ? found : { ...found, warning };
  } catch (error) {
    if (!(error instanceof PefdError) || error.exitCode === 3) throw error; // of the machine, not of the data
    return { ...found, problem: error.message };
  }
}

/** Reads and decodes the images of a job, in their order. */
export function examineImages({ names, source, size }: ToExamine, reader: ImageReader): Examined[] {
  const bytesOf = (i: number): Uint8Array =>
    "files" in source ? (source.files[i] as Uint8Array) : readImage(source.places, source.first + i);
  return names.map((name, i) => examineOne(name, () => bytesOf(i), reader, size));
}
