/** Exit codes of the command line: 1 the run failed, 2 wrong usage or input, 3 the environment. */
export type ExitCode = 1 | 2 | 3;

/**
 * The one error class of the project: a message, a hint, and the exit code.
 * Anything else that reaches the top of the program is a defect of ours and is reported as one.
 */
export class PefdError extends Error {
  override readonly name = "PefdError";

  /**
   * @param message what happened and why, a full sentence that names the flag, file or tensor
   * @param exitCode 1 the run failed, 2 wrong usage or input, 3 the environment
   * @param hint the next thing to type or check, if there is one
   * @param unknownName a name that no registry has, where that is what is wrong: a plug-in may have it
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

/** The same where a name of a method, a model or a data set is not known. */
export const unknownNameError = (name: string, message: string, hint: string): PefdError =>
  new PefdError(message, 2, hint, name);

/** The run itself failed (a full disk, a diverged loss): exit code 1. */
export const runError = (message: string, hint?: string): PefdError => new PefdError(message, 1, hint);

/** Something the program needs is not installed or does not work: exit code 3. */
export const environmentError = (message: string, hint?: string): PefdError => new PefdError(message, 3, hint);
