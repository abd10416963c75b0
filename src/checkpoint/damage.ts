import { inputError, PefdError } from "../common/errors.js";

/** Bytes that may still be allocated beyond the file itself (inflated entries, copies of strided tensors). */
export type Allowance = { readonly fileBytes: number; left: number };

const SMALL_FILE_BYTES = 2 ** 16;

/** Three times the file and a little for small files, so that reading takes at most about four times its size. */
export const allowanceFor = (fileBytes: number): Allowance => ({ fileBytes, left: 3 * fileBytes + SMALL_FILE_BYTES });

/** Times its own size that a file's tensors may take where they share memory. */
const OUTPUT_FACTOR = 4;

/** Bounds tensors written one by one: thousands can share a storage. @throws an error with their number and bytes */
export function checkOutput(tensors: number, bytes: number, { fileBytes }: Allowance): void {
  if (bytes <= OUTPUT_FACTOR * fileBytes + SMALL_FILE_BYTES) return;
  throw damage(
    `its ${tensors} tensors would take ${bytes} bytes of memory, more than ${OUTPUT_FACTOR} times the file's own size`,
  );
}

/** For text in a file's metadata, in characters: options and the history of a training need a part of it. */
export const metadataAllowance = (fileBytes: number): Allowance => ({ fileBytes, left: 4 * fileBytes + 2 ** 20 });

/** Takes bytes from the allowance before they are allocated. */
export function spend(allowance: Allowance, bytes: number, what: string): void {
  if (!(bytes <= allowance.left))
    throw damage(`${what} would take ${bytes} bytes of memory, far more than the file's own size`);
  allowance.left -= bytes;
}

/** What a parser throws, which knows no file name. @param reason a clause in lower case without a full stop */
export const damage = (reason: string, hint?: string): PefdError => inputError(reason, hint);

/** Runs a parser. @throws inputError with path, size and the parser's reason; other errors pass through */
export async function namingFile<T>(path: string, bytes: number, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    throw inputError(
      `${path} (${bytes} bytes) cannot be read as a checkpoint: ${error.message}.`,
      error.hint ?? "Copy or download the file again, or name another checkpoint.",
    );
  }
}
