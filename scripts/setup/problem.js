/** What stands in the way of a script: a sentence, what to type next, and the exit code. */
export class Problem extends Error {
  constructor(message, hint, exitCode = 3) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** Ends a script in good order: a problem as its sentence, anything else with its trace. */
export function fail(error) {
  if (error?.exitCode === undefined) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ""}\n`);
  process.exit(error.exitCode);
}
