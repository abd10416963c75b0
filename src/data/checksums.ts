import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";

/** sha256 of concatenated bytes or texts, in hexadecimal. */
export function sha256Of(parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** sha256 in hexadecimal. */
export const sha256 = (bytes: Uint8Array | string): string => sha256Of([bytes]);

/** md5 of a file, as archives are published with it, in hexadecimal. It is read piece by piece. */
export async function md5OfFile(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

const PIECE = 2 ** 22;

/** sha256 of a file's content, in hexadecimal. @throws the system's own error for one that cannot be read */
export function sha256OfFile(path: string): string {
  const hash = createHash("sha256");
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(PIECE);
    for (;;) {
      const read = readSync(file, bytes);
      if (read === 0) return hash.digest("hex");
      hash.update(bytes.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
