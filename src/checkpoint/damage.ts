import { inputError, PefdError } from "../common/errors.js";

/**
 * What a parser throws, which knows bytes but no file name.
 * @param reason a clause that starts in lower case and has no full stop
 */
export const damage = (reason: string, hint?: string): PefdError => inputError(reason, hint);

/**
 * Runs a parser and names the file in whatever it complains about.
 * @throws inputError with path, size and the parser's reason; other errors pass through
 */
export async function namingFile<T>(
  path: string,
  bytes: number,
  parse: () => T | Promise<T>,
): Promise<T> {
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
