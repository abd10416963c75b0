/** Where the choices of an option come from: a registry, or the list itself. */
export type Choices = "models" | "methods" | "datasets" | readonly string[];

/** Shell completions of a word: names of a registry, or paths. */
export type Completes = "models" | "methods" | "datasets" | "presets" | "sweeps" | "shells" | "files" | "runs";

/**
 * How a value is typed. "integers" is a comma-separated list, "paths" an option that may be repeated, "weights" a number or
 * several with + or commas between them.
 */
export type ValueType =
  | "integer"
  | "number"
  | "integers"
  | "weights"
  | "boolean"
  | "string"
  | "path"
  | "paths"
  | "choice";

/** Bounds of a number; for "integers" of every element. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

/**
 * The effect of changing an option. Resume, sweeps, reports and config.json follow from it (policy.ts).
 * - numbers: the result; it is another experiment
 * - seed: the draw; it is another run of the same experiment
 * - length: how far a run goes; what is done stays as it is
 * - input: a file that the numbers come from; what it holds counts, not the folder that it lies in
 * - place: where something lies that is the same everywhere, or where results go
 * - speed: how fast, on what, in which order sums are taken; the numbers are the same but for rounding
 * - output: what is shown, and what is kept of the results
 * - start: how this one command is started
 */
export type Touches = "numbers" | "seed" | "length" | "input" | "place" | "speed" | "output" | "start";

/** Anything that may be said about an option besides its default and its sentence. */
export interface Extras extends Range {
  /** Every option of a run says it; options of other commands need not. */
  readonly touches?: Touches;
  /** The value that stands for what the machine decides when a run starts. */
  readonly undecided?: string;
  /** One letter, without the dash. */
  readonly alias?: string;
  /** Another name that it is taken for, on the command line and in files: the one in the paper's code. */
  readonly alsoNamed?: string;
  /** Text for a default that depends on something. */
  readonly defaultText?: string;
  readonly choices?: Choices;
  /** How help names the value, such as DIR; by default after its type. */
  readonly valueName?: string;
  /** The option that this one's value belongs to: weights belong to a method. */
  readonly boundTo?: string;
  /** The value of an option that is typed without one; only an integer after it is then taken as its value. */
  readonly bare?: string;
  /** Told only on the command line: not read from configuration files. */
  readonly flagOnly?: boolean;
  /** Shell completions of the value, where type and choices do not determine them. */
  readonly completes?: Completes;
}

/** One option: the only description of it, from which parsing, validation, help, docs and types follow. */
export interface Row<Value = unknown> extends Extras {
  readonly type: ValueType;
  readonly help: string;
  /** Undefined: not set unless given, or derived (see derive.ts). */
  readonly fallback: Value | undefined;
}

/** Options by their name, spelled as the flag: snake_case as in the paper's code. */
export type Rows = Readonly<Record<string, Row>>;

/** Options that help shows under one heading. */
export interface Section<R extends Rows = Rows> {
  readonly title: string;
  readonly rows: R;
}

/** The type of the values that rows describe. */
export type RowValues<R extends Rows> = {
  readonly [Name in keyof R]: R[Name] extends Row<infer Value> ? Value : never;
};

/** The same of a section's rows. */
export type Values<S extends Section> = RowValues<S["rows"]>;

/** A heading and its options, with the rows' value types kept. */
export const section = <R extends Rows>(title: string, rows: R): Section<R> => ({ title, rows });

const row =
  <Base>(type: ValueType) =>
  <Given extends Base | undefined>(fallback: Given, help: string, extras: Extras = {}): Row<Base | Given> => ({
    type,
    fallback,
    help,
    ...extras,
  });

export const integer = row<number>("integer");
export const number = row<number>("number");
export const integers = row<readonly number[]>("integers");
export const weights = row<number | readonly number[]>("weights");
export const string = row<string>("string");
export const path = row<string>("path");
export const paths = row<readonly string[]>("paths");

/** A switch: off unless given. */
export const flag = (help: string, extras: Extras = {}): Row<boolean> => ({
  type: "boolean",
  fallback: false,
  help,
  ...extras,
});

/** One of a registry's names or of a list. */
export function choice<Name extends string, Given extends Name | undefined>(
  choices: "models" | "methods" | "datasets" | readonly Name[],
  fallback: Given,
  help: string,
  extras: Extras = {},
): Row<Name | Given> {
  return { type: "choice", choices, fallback, help, ...extras };
}

/** A row whose value is always known once the configuration is resolved, though it has no fixed default. */
export const derived = <Value>(given: Row<Value | undefined>): Row<Value> => given as Row<Value>;
