import type { Completes, Section } from "../common/optionRow.js";
import type { Configuration } from "../config/file.js";
import type { Layer } from "../config/resolve.js";

/** A command's output: results to stdout, everything else to stderr. */
export interface Output {
  /** `--json` was given: results are one JSON document. */
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** Columns of the terminal that results go to; undefined off a terminal. */
  readonly width: number | undefined;
  /** Prints the result: the document with --json, else the text. */
  result(text: string, document: unknown): void;
  /** A line on stderr; with --quiet only one that begins with "warning: ". */
  notice(text: string): void;
}

export interface Invocation {
  /** Flags, environment, configuration files: the strongest first. */
  readonly layers: readonly Layer[];
  /** Only flags, as typed and unchecked. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  readonly configuration: Configuration | undefined;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
}

export interface Positionals {
  /** As help shows them, e.g. "IN OUT". */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  /** Shell completions; default files. */
  readonly completes?: Completes;
}

/** A command, in its own file, loaded on use. */
export interface Command {
  readonly sections: readonly Section[];
  readonly positionals?: Positionals;
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** @returns the exit code where it is not 0; rejects with a PefdError */
  run(invocation: Invocation): Promise<number | undefined> | Promise<void>;
}
