import { runError } from "../common/errors.js";
import { describeFailure } from "../common/files/atomicFile.js";
import { cleanColored, cleanJson, cleanText } from "../common/text.js";
import { useColor } from "../report/color.js";
import type { Output } from "./command.js";

export const STDOUT = "-";

/** A file to write, or undefined where nothing or the standard output was asked for. */
export const fileOf = (path: string | undefined): string | undefined => (path === STDOUT ? undefined : path);

export const COLUMNS = 80;

const colorOn = (stream: NodeJS.WriteStream, noColor: boolean): boolean =>
  !noColor && useColor(process.env, stream.isTTY === true);

/** Whether stderr is colored: a terminal, and neither NO_COLOR nor --no_color. */
export const colorOnStderr = (noColor: boolean): boolean => colorOn(process.stderr, noColor);

/** The same for stdout. */
export const colorOnStdout = (noColor: boolean): boolean => colorOn(process.stdout, noColor);

/** A pipe whose reader went away, and a terminal that was closed. */
const GONE = ["EPIPE", "EIO"];

/** Failed writes to stderr are ignored: they must not abort the work. */
const FULL = ["ENOSPC", "EDQUOT"];

/** A closed pipe (`pefd models | head -1`) is not an error. */
export function ignoreClosedPipes(): void {
  const streams = [
    [process.stdout, new Set(GONE)],
    [process.stderr, new Set([...GONE, ...FULL])],
  ] as const;
  for (const [stream, forgiven] of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (forgiven.has(error.code ?? "")) return;
      throw runError(`The standard output cannot be written: ${describeFailure(error)}.`);
    });
  }
}

/** Whether what was written to a stream can be written over: a terminal, and none that only prints. */
export const isScreen = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && process.env.TERM !== "dumb";

/** Columns of the terminal that a stream writes to; undefined off a terminal. */
export const columnsOf = (stream: NodeJS.WriteStream): number | undefined =>
  stream.isTTY === true ? stream.columns || COLUMNS : undefined;

/** Results on stdout, one document with --json; notices on stderr. */
export function createOutput(flags: Readonly<Record<string, unknown>>): Output {
  const json = flags.json === true;
  const quiet = flags.quiet === true;
  const cleanResult = colorOnStdout(flags.no_color === true) ? cleanColored : cleanText;
  return {
    json,
    quiet,
    color: colorOnStderr(flags.no_color === true),
    width: columnsOf(process.stdout),
    result(text, document) {
      const shown = json ? cleanJson(JSON.stringify(document, undefined, 2)) : cleanResult(text);
      process.stdout.write(`${shown}\n`);
    },
    notice(text) {
      if (!quiet || text.startsWith("warning: ")) process.stderr.write(`${cleanText(text)}\n`);
    },
  };
}

/** Lines of help are easy to read up to so many characters, and have no sense below. */
const MOST = 100;
const LEAST = 60;

const USUAL = 80;

interface Streams {
  readonly stdout: { readonly columns?: number | undefined };
  readonly stderr: { readonly columns?: number | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Columns for help: the terminal's, also where a pager stands between, within what can be read. */
export function helpWidth({ stdout, stderr, env }: Streams): number {
  const told = stdout.columns || stderr.columns || Number.parseInt(env.COLUMNS ?? "", 10) || USUAL;
  return Math.min(MOST, Math.max(LEAST, told));
}
