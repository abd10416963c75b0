/** Exit codes of the command line: 1 the run failed, 2 wrong usage or input, 3 the environment. */
export type ExitCode = 1 | 2 | 3;

/** The project's one error class; anything else at the top level is reported as a defect of pefd. */
export class PefdError extends Error {
  override readonly name = "PefdError";

  /**
   * @param message a full sentence with the flag, file or tensor
   * @param hint what to type or check next
   * @param unknownName a name that no registry has: a plug-in may have it
   */
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    readonly hint?: string,
    readonly unknownName?: string,
  ) {
    super(message);
  }
}

/** Wrong user input (flags, files, data): exit code 2. */
export const inputError = (message: string, hint?: string): PefdError => new PefdError(message, 2, hint);

/** An inputError for an unknown method, model or data set. */
export const unknownNameError = (name: string, message: string, hint: string): PefdError =>
  new PefdError(message, 2, hint, name);

/** The run failed (full disk, diverged loss): exit code 1. */
export const runError = (message: string, hint?: string): PefdError => new PefdError(message, 1, hint);

/** A requirement is missing or does not work: exit code 3. */
export const environmentError = (message: string, hint?: string): PefdError => new PefdError(message, 3, hint);
