import { lstat } from "node:fs/promises";
import { inputError, type PefdError, runError } from "../errors.js";

const RUN_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EIO: "the disk reports an input/output error",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open on this machine",
  EPIPE: "its reader went away",
};

const INPUT_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "there is a folder of that name",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
};

/** The system's reason in words. */
export function describeFailure(error: NodeJS.ErrnoException): string {
  const code = error.code ?? "";
  return RUN_FAILURES[code] ?? INPUT_FAILURES[code] ?? error.message;
}

/** Whether it is the path that the user gave. */
export const isInputFailure = ({ code }: NodeJS.ErrnoException): boolean =>
  code !== undefined && Object.hasOwn(INPUT_FAILURES, code);

/** What a failed write of a path is to people. */
export async function writeError(path: string, cause: unknown): Promise<PefdError> {
  const error = cause as NodeJS.ErrnoException;
  const exists = await lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  const intact = exists ? " The file that was there before is intact." : "";
  const message = `${path} could not be written: ${describeFailure(error)}.${intact}`;
  if (isInputFailure(error)) return inputError(message);
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  return runError(message, full ? "Free some space, then run the command again." : undefined);
}
