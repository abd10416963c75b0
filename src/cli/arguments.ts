import yargs, { type Argv } from "yargs";
import { inputError } from "../common/errors.js";
import type { Row, Rows } from "../common/optionRow.js";
import { nearestName } from "../common/text/nearest.js";
import { rowsOf } from "../config/resolve.js";
import type { Command } from "./command.js";
import { flagText } from "./help/option.js";

/** Flags by name, as typed: text, true or false, or a list where one that may be repeated was. */
export interface Arguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/** Numbers stay text, so that a sentence can repeat what was typed, and are checked by their row. */
const PARSER = {
  "boolean-negation": false,
  "camel-case-expansion": false,
  "dot-notation": false,
  "parse-numbers": false,
  "parse-positional-numbers": false,
  "strip-aliased": true,
} as const;

/** yargs without its own help, version, exits and language of the system: those are told by this program. */
export function quietYargs(argv: readonly string[]): Argv {
  return yargs([...argv])
    .parserConfiguration(PARSER)
    .detectLocale(false)
    .exitProcess(false)
    .version(false)
    .help(false);
}

const spelled = (typed: string): string => typed.replaceAll("-", "_");

/** "=VALUE" for an option that may be typed without a value, where no number follows. */
const bareValue = ({ bare }: Row, next = ""): string =>
  bare === undefined || /^\d+$/.test(next) ? "" : `=${bare}`;

/** `--batch-size` as `--batch_size`, `--no-resume` as `--resume=false`, and the values of switches checked. */
function normalise(token: string, rows: Rows, next: string | undefined): string {
  const [, typed, value] = /^--([^=]+)(=.*)?$/s.exec(token) ?? [];
  if (typed === undefined) return token;
  const name = spelled(typed);
  const negated = name.replace(/^no_/, "");
  if (rows[name]?.type === "boolean") checkSwitch(name, value);
  if (rows[name]) return `--${name}${value ?? bareValue(rows[name], next)}`;
  return negated !== name && rows[negated]?.type === "boolean" ? `--${negated}=false` : token;
}

function checkSwitch(name: string, value: string | undefined): void {
  if (value === undefined || value === "=true" || value === "=false") return;
  throw inputError(`--${name} is a switch and takes no value; "${value.slice(1)}" was given.`);
}

/** yargs itself stumbles over flags named as what every object has, such as --constructor. */
function refuseInherited(commandName: string, token: string, rows: Rows): void {
  const [, name] = /^--([^=]+)/.exec(token) ?? [];
  if (name !== undefined && name in Object.prototype) checkKnown(commandName, [name], rows);
}

function normaliseAll(commandName: string, argv: readonly string[], rows: Rows): string[] {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  // Behind -- as well: yargs takes that for the value of an unknown letter before it.
  for (const token of argv) refuseInherited(commandName, token, rows);
  return argv.map((token, at) => (at < end ? normalise(token, rows, argv[at + 1]) : token));
}

const otherNames = ({ alias, alsoNamed }: Row): string[] =>
  [alias, alsoNamed].filter((name) => name !== undefined);

/** The rows as options of yargs; their values are checked by config/parse.ts. */
export function declare(parser: Argv, rows: Rows): Argv {
  for (const [name, row] of Object.entries(rows)) {
    const value = row.type === "boolean" ? { boolean: true } : { nargs: 1 };
    parser.option(name, { alias: otherNames(row), ...value });
  }
  return parser.option("help", { alias: "h", boolean: true });
}

function explain(message: string, rows: Rows): never {
  const missing = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (missing === undefined) throw inputError(message);
  const row = rows[missing];
  const hint = row && `Such as ${flagText(missing, row).replace(/^-\w, /, "")}.`;
  throw inputError(`--${missing} needs a value.`, hint);
}

function nearFlag(name: string, rows: Rows): string {
  const near = nearestName(spelled(name), Object.keys(rows));
  return near === undefined ? "" : ` Did you mean --${near}?`;
}

function checkKnown(commandName: string, names: readonly string[], rows: Rows): void {
  for (const name of names) {
    if (rows[name] || name === "help") continue;
    const typed = name.length === 1 ? `-${name}` : `--${name}`;
    throw inputError(
      `pefd ${commandName} has no flag ${typed}.${nearFlag(name, rows)}`,
      `\`pefd ${commandName} --help\` lists its flags.`,
    );
  }
}

/** Of a flag that was repeated the last value counts, as where a script appends to what it was given; lists keep all. */
const lastOfEach = (flags: Readonly<Record<string, unknown>>, rows: Rows): Arguments["flags"] =>
  Object.fromEntries(
    Object.entries(flags).map(([name, value]) =>
      Array.isArray(value) && rows[name]?.type !== "paths" ? [name, value.at(-1)] : [name, value],
    ),
  );

function checkPositionals(commandName: string, words: readonly string[], command: Command): void {
  const { usage = "", min = 0, max = 0 } = command.positionals ?? {};
  if (words.length > max) {
    const extra = words.slice(max).join(" ");
    throw inputError(
      `pefd ${commandName} does not know what to do with "${extra}".`,
      `\`pefd ${commandName} --help\` shows how it is used.`,
    );
  }
  if (words.length < min) throw inputError(`pefd ${commandName} needs ${usage}.`);
}

/**
 * Reads what follows a command's name.
 * @throws inputError for an unknown flag, one without its value, or a word too many
 */
export function parseArguments(
  commandName: string,
  command: Command,
  argv: readonly string[],
): Arguments {
  const rows = rowsOf(command.sections);
  const parser = declare(quietYargs(normaliseAll(commandName, argv, rows)), rows).fail((message) =>
    explain(message, rows),
  );
  const { _: words, $0: _script, help, ...flags } = parser.parseSync();
  if (help === true) return { flags, positionals: [], help: true };
  checkKnown(commandName, Object.keys(flags), rows);
  const positionals = words.map(String);
  checkPositionals(commandName, positionals, command);
  return { flags: lastOfEach(flags, rows), positionals, help: false };
}
