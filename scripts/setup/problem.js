/** An error for users: a message, a hint and the exit code. */
export class Problem extends Error {
  constructor(message, hint, exitCode = 3) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** The sentence for an error of the file system (a full disk, a folder that is not ours), else undefined. */
const systemSentence = (error) =>
  error?.syscall && `The setup stopped: ${error.message}\nFix that, then: npm run setup`;

/** Exits with the message of a problem; rethrows anything else. */
export function fail(error) {
  const sentence = error?.exitCode ? [error.message, error.hint].filter(Boolean).join("\n") : systemSentence(error);
  if (!sentence) throw error;
  // Untrusted text may be in it: no control characters but line feeds.
  const shown = sentence.replace(/[^\P{Cc}\n]/gu, "?");
  process.stderr.write(`${shown}\n`);
  process.exit(error.exitCode ?? 3);
}
