/** A registry's names, or a list. */
export type Choices = "models" | "methods" | "datasets" | readonly string[];

/** Shell completions of a word: names of a registry, or paths. */
export type Completes = "models" | "methods" | "datasets" | "presets" | "sweeps" | "shells" | "files" | "runs";

/** "integers" and "numbers" are comma-separated, "paths" is repeatable, "weights" is one number or several with + or commas. */
export type ValueType =
  | "integer"
  | "number"
  | "integers"
  | "numbers"
  | "weights"
  | "boolean"
  | "string"
  | "path"
  | "paths"
  | "choice";

/** Bounds of a number, or of each of several integers. */
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

export interface Extras extends Range {
  /** Required for options of a run. */
  readonly touches?: Touches;
  /** The value that leaves the decision to the machine. */
  readonly undecided?: string;
  /** One letter, without the dash. */
  readonly alias?: string;
  /** Alternative names on the command line and in files: those of the paper's code, of timm, of DeiT. */
  readonly alsoNamed?: string | readonly string[];
  /** Names that other programs give it: an error answers them with this option. */
  readonly elsewhere?: readonly string[];
  /** An epoch, or a number of epochs, that a shorter run never reaches; a notice says so. */
  readonly inEpochs?: boolean;
  /** The option that, where it is given, stands in for this one. */
  readonly replacedBy?: string;
  /** Text for a default that is not fixed. */
  readonly defaultText?: string;
  readonly choices?: Choices;
  /** Placeholder in help, such as DIR; by default after its type. */
  readonly valueName?: string;
  /** The option that this value depends on: weights depend on a method. */
  readonly boundTo?: string;
  /** May be repeated: a path is then a list; names are joined with + or commas (A+B). */
  readonly several?: true;
  /** The value of an option typed without one; only an integer after it is then its value. */
  readonly bare?: string;
  /** Not read from configuration files. */
  readonly flagOnly?: boolean;
  /** Shell completions, where type and choices do not determine them. */
  readonly completes?: Completes;
}

/** The single description of an option, for parsing, validation, help, docs and types. */
export interface Row<Value = unknown> extends Extras {
  readonly type: ValueType;
  readonly help: string;
  /** Undefined: not set unless given, or derived (see derive.ts). */
  readonly fallback: Value | undefined;
}

/** Options by flag, in snake_case as in the paper's code. */
export type Rows = Readonly<Record<string, Row>>;

export type Section<R extends Rows = Rows> = {
  readonly title: string;
  readonly rows: R;
  /** The document that describes its options, of which help has only the names. */
  readonly document?: string;
};

/** The values that rows describe. */
export type RowValues<R extends Rows> = {
  readonly [Name in keyof R]: R[Name] extends Row<infer Value> ? Value : never;
};

export type Values<S extends Section> = RowValues<S["rows"]>;

/** Keeps the rows' value types. */
export const section = <R extends Rows>(title: string, rows: R, document?: string): Section<R> => ({
  title,
  rows,
  ...(document !== undefined && { document }),
});

/** Rows that only the command line takes: neither configuration files nor variables. */
export const flagOnly = <R extends Rows>(rows: R): R =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { ...row, flagOnly: true }])) as R;

/** A section of such rows. */
export const flagSection = <R extends Rows>(title: string, rows: R): Section<R> => section(title, flagOnly(rows));

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
export const numbers = row<readonly number[]>("numbers");
export const weights = row<number | readonly number[]>("weights");
export const string = row<string>("string");
export const path = row<string>("path");
export const paths = row<readonly string[]>("paths");

/** All alternative names of an option. */
export const alsoNamed = ({ alsoNamed: names = [] }: Pick<Row, "alsoNamed">): readonly string[] => [names].flat();

/** A switch, off by default. */
export const flag = (help: string, extras: Extras = {}): Row<boolean> => ({
  type: "boolean",
  fallback: false,
  help,
  ...extras,
});

/** One of a registry's or a list's names. */
export function choice<Name extends string, Given extends Name | undefined>(
  choices: "models" | "methods" | "datasets" | readonly Name[],
  fallback: Given,
  help: string,
  extras: Extras = {},
): Row<Name | Given> {
  return { type: "choice", choices, fallback, help, ...extras };
}

/** A row that always has a value once resolved, though no fixed default. */
export const derived = <Value>(given: Row<Value | undefined>): Row<Value> => given as Row<Value>;
