/** What stands in the way of a script: a sentence, what to type next, and the exit code. */
export class Problem extends Error {
  constructor(message, hint, exitCode = 3) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** The sentence for an error of the file system (a full disk, a folder that is not ours), else undefined. */
const systemSentence = (error) =>
  error?.syscall && `The set-up stopped: ${error.message}\nMend that, then: npm run setup`;

/** Ends a script in good order: a problem as its sentence, a defect of ours with its trace. */
export function fail(error) {
  const sentence = error?.exitCode ? [error.message, error.hint].filter(Boolean).join("\n") : systemSentence(error);
  if (!sentence) throw error;
  // Servers and programs have a word in it: only line feeds may command the terminal.
  const shown = sentence.replace(/[^\P{Cc}\n]/gu, "?");
  process.stderr.write(`${shown}\n`);
  process.exit(error.exitCode ?? 3);
}
