import type { Argv } from "yargs";
import yargs from "yargs";
import { inputError } from "../common/errors.js";
import { alsoNamed, type Row, type Rows, type Section, section } from "../common/optionRow.js";
import { PLUGINS } from "../common/plugins.js";
import { grouped, nearestName, textWidth, twoColumns, wrapWords } from "../common/text.js";
import { environmentLayer, ignoredVariables } from "../config/environment.js";
import { type Configuration, readConfiguration } from "../config/file.js";
import { ALL_SECTIONS, methodOfSection, methodTitle } from "../config/options.js";
import { type Layer, rowsOf } from "../config/resolve.js";
import { METHODS } from "../distill/registry.js";
import type { Command, Invocation } from "./command.js";
import { COMMANDS } from "./commands.js";
import { flagText, optionText } from "./optionHelp.js";
import { createOutput, helpWidth } from "./output.js";

/** Largest share of the width for option names; text of longer names goes on the next line. */
const LEFT_SHARE = 0.32;

const SHOW_HELP = ["-h, --help", "Show this help."] as const;

/** A command line wrapped between words, with shell continuations. */
function commandLine(line: string, width: number): string[] {
  const lines = wrapWords(line, width - 4);
  return lines.map((part, index) => {
    const indent = index === 0 ? "  " : "    ";
    return `${indent}${part}${index < lines.length - 1 ? " \\" : ""}`;
  });
}

const exampleLines = ({ examples }: Command, width: number): string[] =>
  examples.flatMap(([line, meaning]) => [
    ...commandLine(line, width),
    ...wrapWords(meaning, width - 6).map((text) => `      ${text}`),
  ]);

/** Sections without the options of other methods than those named; sections of one title as one. */
function shownSections(sections: readonly Section[], methods: readonly string[]): Section[] {
  const shown = sections.filter((each) => {
    const method = methodOfSection(each);
    return method === undefined || methods.includes(method);
  });
  return [...grouped(shown, ({ title }) => title)].map(([title, those]) =>
    section(title, rowsOf(those), those[0]?.document),
  );
}

/** The names of a section that a document describes. */
const nameLines = ({ title, rows, document }: Section, width: number): string[] => [
  "",
  `${title} (${document}):`,
  ...wrapWords(
    Object.keys(rows)
      .map((name) => `--${name}`)
      .join(" "),
    width - 2,
  ).map((line) => `  ${line}`),
];

function optionLines(sections: readonly Section[], width: number): string[] {
  const all = sections.map((each) => {
    const entries = Object.entries(each.rows).map(([name, row]) => [flagText(name, row), optionText(row)] as const);
    return { ...each, entries: each.title === "General" ? [...entries, SHOW_HELP] : entries };
  });
  const names = all.flatMap(({ entries, document }) => (document ? [] : entries.map(([name]) => textWidth(name))));
  const left = Math.min(Math.max(...names), Math.floor(width * LEFT_SHARE));
  return all.flatMap((each) =>
    each.document === undefined
      ? ["", `${each.title}:`, ...twoColumns(each.entries, { left, indent: 2, width })]
      : nameLines(each, width),
  );
}

/** What says where the options of methods are that help leaves out. */
const methodLines = (name: string, width: number): string[] =>
  wrapWords(
    `A method's own options: \`pefd ${name} --distill METHOD --help\`, \`pefd methods METHOD\` or docs/flags.md.`,
    width,
  );

/**
 * Help of one command: summary, usage, examples, options; no line exceeds `width`, unless a single word does.
 * @param methods those whose own options are shown, too
 */
export function commandHelp(name: string, command: Command, width: number, methods: readonly string[] = []): string {
  const summary = COMMANDS.find((row) => row.name === name)?.summary ?? "";
  const usage = ["pefd", name, command.positionals?.usage, "[options]"].filter(Boolean).join(" ");
  return [
    ...wrapWords(summary, width),
    "",
    `Usage: ${usage}`,
    "",
    "Examples:",
    ...exampleLines(command, width),
    ...optionLines(shownSections(command.sections, methods), width),
    ...(command.sections.some(methodOfSection) ? ["", ...methodLines(name, width)] : []),
  ].join("\n");
}

/** Flags by name, as typed: text, true or false, or a list where one that may be repeated was. */
interface Arguments {
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

/** yargs without its own help, version, exits and localization. */
function quietYargs(argv: readonly string[]): Argv {
  return yargs([...argv])
    .parserConfiguration(PARSER)
    .detectLocale(false)
    .exitProcess(false)
    .version(false)
    .help(false);
}

const spelled = (typed: string): string => typed.replaceAll("-", "_");

/** "=VALUE" for an option that may be typed without a value, where no number follows. */
const bareValue = ({ bare }: Row, next = ""): string => (bare === undefined || /^\d+$/.test(next) ? "" : `=${bare}`);

/** `--batch-size` as `--batch_size`, `--no-resume` as `--resume=false`, and the values of switches checked. */
function normalise(token: string, rows: Rows, next: string | undefined): string {
  const [, typed, value] = /^--([^=]+)(=.*)?$/s.exec(token) ?? [];
  if (typed === undefined) return token;
  const name = spelled(typed);
  const negated = name.replace(/^no_/, "");
  if (rows[name]?.type === "boolean") checkSwitch(name, value);
  if (rows[name]) return `--${name}${value ?? bareValue(rows[name], next)}`;
  if (Object.values(rows).some((row) => alsoNamed(row).includes(name))) return `--${name}${value ?? ""}`;
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
  // Also after --, which yargs may take as the value of an unknown short flag.
  for (const token of argv) refuseInherited(commandName, token, rows);
  return argv.map((token, at) => (at < end ? normalise(token, rows, argv[at + 1]) : token));
}

const otherNames = (row: Row): string[] => [row.alias, ...alsoNamed(row)].filter((name) => name !== undefined);

function declare(parser: Argv, rows: Rows): Argv {
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

/** Options that a name may stand for: those that other programs call so, else the nearest in spelling. */
function meantBy(name: string, rows: Rows): string[] {
  const elsewhere = Object.keys(rows).filter((option) => rows[option]?.elsewhere?.includes(name));
  const near = nearestName(name, Object.keys(rows));
  return elsewhere.length > 0 || near === undefined ? elsewhere : [near];
}

function checkKnown(commandName: string, names: readonly string[], rows: Rows): void {
  for (const name of names) {
    if (rows[name] || name === "help") continue;
    const typed = name.length === 1 ? `-${name}` : `--${name}`;
    const meant = meantBy(spelled(name), rows);
    const question = meant.length === 0 ? "" : ` Did you mean ${meant.map((option) => `--${option}`).join(" or ")}?`;
    const help = meant.map((option) => `--${option}: ${rows[option]?.help} `).join("");
    throw inputError(
      `pefd ${commandName} has no flag ${typed}.${question}`,
      `${help}\`pefd ${commandName} --help\` lists its options.`,
    );
  }
}

const takesAll = (row: Row | undefined): boolean => row?.type === "paths" || row?.several === true;

/** Of a flag that was repeated the last value counts, as where a script appends to what it was given; lists keep all. */
const lastOfEach = (flags: Readonly<Record<string, unknown>>, rows: Rows): Arguments["flags"] =>
  Object.fromEntries(
    Object.entries(flags).map(([name, value]) =>
      Array.isArray(value) && !takesAll(rows[name]) ? [name, value.at(-1)] : [name, value],
    ),
  );

function checkPositionals(commandName: string, words: readonly string[], command: Command): void {
  const { usage = "", min = 0, max = 0 } = command.positionals ?? {};
  if (words.length > max) {
    const extra = words.slice(max).join(" ");
    throw inputError(
      `pefd ${commandName}: unexpected argument "${extra}".`,
      `\`pefd ${commandName} --help\` shows how it is used.`,
    );
  }
  if (words.length < min) throw inputError(`pefd ${commandName} needs ${usage}.`);
}

/** Reads what follows a command's name; throws inputError for an unknown flag, a missing value or an extra word. */
export function parseArguments(commandName: string, command: Command, argv: readonly string[]): Arguments {
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

const namesOf = (option: string, row: Row): string[] => [option, ...otherNames(row)];

function refuseTaken(file: string, method: string, sections: readonly Section[]): void {
  const others = [
    ...sections.filter(({ title }) => !title.startsWith("Method ")),
    ...METHODS.rows()
      .filter(({ name }) => name !== method)
      .map(({ name, options }) => section(methodTitle(name), options)),
  ];
  for (const [option, row] of Object.entries<Row>(METHODS.find(method)?.options ?? {})) {
    const names = namesOf(option, row);
    const isTaken = ([other, its]: [string, Row]) =>
      its !== row && namesOf(other, its).some((name) => names.includes(name));
    const owner = others.find(({ rows }) => Object.entries(rows).some(isTaken));
    if (owner === undefined) continue;
    throw inputError(
      `The plug-in ${file} declares an option --${option} for its method ${method}, which already exists (${owner.title}).`,
      `Rename it there, such as --${method}_${option}.`,
    );
  }
}

/** Refuses plug-in methods' options that are taken, with an inputError; a shared row, such as kd_T, is fine. */
function refuseTakenOptions(sections: readonly Section[]): void {
  for (const { name: file, methods } of PLUGINS.rows()) {
    for (const method of methods) refuseTaken(file, method, sections);
  }
}

type Flags = Arguments["flags"];

const flagLayer = (values: Flags): Layer => ({
  label: (name) => `--${name}`,
  origin: (name) => `flag --${name}`,
  values,
});

function configurationOf(flags: Flags): Configuration | undefined {
  if (typeof flags.config !== "string") return undefined;
  return readConfiguration(flags.config, rowsOf(ALL_SECTIONS));
}

function invocationOf(command: Command, { flags, positionals }: Arguments, argv: readonly string[]): Invocation {
  const { env } = process;
  const configuration = configurationOf(flags);
  const environment = environmentLayer(rowsOf(command.sections), env);
  const layers = [flagLayer(flags), environment, ...(configuration?.layers ?? [])];
  return { layers, flags, positionals, configuration, argv, env, output: createOutput(flags) };
}

/**
 * Runs one command, or shows its help; returns the exit code, throws PefdError.
 * @param rest what was typed besides the command's name
 * @param argv all that was typed after `pefd`
 */
export async function invoke(
  name: string,
  command: Command,
  rest: readonly string[],
  argv: readonly string[],
): Promise<number> {
  refuseTakenOptions([...ALL_SECTIONS, ...command.sections]);
  const typed = parseArguments(name, command, rest);
  if (typed.help) {
    const methods = String(typed.flags.distill ?? "").split(/[+,]/);
    process.stdout.write(`${commandHelp(name, command, helpWidth(process), methods)}\n`);
    return 0;
  }
  const invocation = invocationOf(command, typed, argv);
  const { env, output } = invocation;
  for (const text of ignoredVariables(rowsOf([...ALL_SECTIONS, ...command.sections]), env)) {
    output.notice(`warning: ${text}`);
  }
  try {
    return (await command.run(invocation)) || 0;
  } catch (error) {
    const { withPluginHint } = await import("./missingPlugin.js");
    throw withPluginHint(error, invocation);
  }
}
