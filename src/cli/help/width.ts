/** Lines of help are easy to read up to so many characters, and have no sense below. */
const MOST = 100;
const LEAST = 60;

/** Columns of a terminal that does not tell. */
const USUAL = 80;

/** What is asked for the width of a terminal. */
interface Streams {
  readonly stdout: { readonly columns?: number | undefined };
  readonly stderr: { readonly columns?: number | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Columns for help: the terminal's, also where a pager stands between, within what can be read.
 * @param streams of the process
 */
export function helpWidth({ stdout, stderr, env }: Streams): number {
  const told = stdout.columns || stderr.columns || Number.parseInt(env.COLUMNS ?? "", 10) || USUAL;
  return Math.min(MOST, Math.max(LEAST, told));
}
