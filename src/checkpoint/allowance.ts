import { damage } from "./damage.js";

/** Bytes that may still be allocated beyond the file itself (inflated entries, copies of strided tensors). */
export interface Allowance {
  left: number;
}

const SMALL_FILE_BYTES = 2 ** 16;

/** Three times the file and a little for small files, so that reading takes at most about four times its size. */
export const allowanceFor = (fileBytes: number): Allowance => ({
  left: 3 * fileBytes + SMALL_FILE_BYTES,
});

/** Takes bytes from the allowance before they are allocated. */
export function spend(allowance: Allowance, bytes: number, what: string): void {
  if (!(bytes <= allowance.left))
    throw damage(`${what} would take ${bytes} bytes of memory, far more than the file's own size`);
  allowance.left -= bytes;
}
