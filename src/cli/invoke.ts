import { parseArgs } from "node:util";
import { inputError } from "../common/errors.js";
import { flag, type Row, type Rows, type Section, section } from "../common/optionRow.js";
import { PLUGINS } from "../common/plugins.js";
import { nearestName, textWidth, twoColumns, wrapWords } from "../common/text.js";
import { environmentLayer, ignoredVariables } from "../config/environment.js";
import { type Configuration, readConfiguration } from "../config/file.js";
import { ALL_SECTIONS } from "../config/options.js";
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

function optionLines(sections: readonly Section[], width: number): string[] {
  const all = sections.map(({ title, rows }) => {
    const entries = Object.entries(rows).map(([name, row]) => [flagText(name, row), optionText(row)] as const);
    return { title, entries: title === "General" ? [...entries, SHOW_HELP] : entries };
  });
  const names = all.flatMap(({ entries }) => entries.map(([name]) => textWidth(name)));
  const left = Math.min(Math.max(...names), Math.floor(width * LEFT_SHARE));
  return all.flatMap(({ title, entries }) => ["", `${title}:`, ...twoColumns(entries, { left, indent: 2, width })]);
}

/** Help of one command: summary, usage, examples, options; no line exceeds `width`, unless a single word does. */
export function commandHelp(name: string, command: Command, width: number): string {
  const summary = COMMANDS.find((row) => row.name === name)?.summary ?? "";
  const usage = ["pefd", name, command.positionals?.usage, "[options]"].filter(Boolean).join(" ");
  return [
    ...wrapWords(summary, width),
    "",
    `Usage: ${usage}`,
    "",
    "Examples:",
    ...exampleLines(command, width),
    ...optionLines(command.sections, width),
  ].join("\n");
}

/** Flags by name, as typed: text, true or false, or a list where one that may be repeated was. */
interface Arguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/** `--batch-size` as `--batch_size`, and `--serve` with the value that it has where no number follows. */
function normalise(token: string, rows: Rows, next = ""): string {
  if (!/^--[^=]/.test(token)) return token;
  const plain = token.replace(/^--[^=]+/, (name) => `--${spelled(name.slice(2))}`);
  const { bare } = rows[plain.slice(2)] ?? {};
  return bare === undefined || /^\d+$/.test(next) ? plain : `${plain}=${bare}`;
}

const spelled = (typed: string): string => typed.replaceAll("-", "_");

/** The flags and words of a command line, as Node.js splits it; what follows `--` are words. */
function split(argv: readonly string[], rows: Rows) {
  const kindOf = ({ type }: Row) => ({ type: type === "boolean" ? ("boolean" as const) : ("string" as const) });
  const options = Object.entries(rows).flatMap(([name, row]) => [
    [name, { ...kindOf(row), ...(row.alias !== undefined && { short: row.alias }) }] as const,
    ...(row.alsoNamed === undefined ? [] : [[row.alsoNamed, kindOf(row)] as const]),
  ]);
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const args = argv.map((token, at) => (at < end ? normalise(token, rows, argv[at + 1]) : token));
  return parseArgs({ args, options: Object.fromEntries(options), strict: false, tokens: true }).tokens;
}

/** A switch's value, or an option's text; a flag that follows an option is none. */
function valueOf(name: string, row: Row, given: string | undefined, isInline = false): string | boolean {
  if (row.type === "boolean") {
    if (given === undefined || given === "true" || given === "false") return given !== "false";
    throw inputError(`--${name} is a switch and takes no value; "${given}" was given.`);
  }
  if (given !== undefined && (isInline || !/^-(?![\d.]|$)/.test(given))) return given;
  throw inputError(`--${name} needs a value.`, `Such as ${flagText(name, row).replace(/^-\w, /, "")}.`);
}

function nearFlag(name: string, rows: Rows): string {
  const near = nearestName(spelled(name), Object.keys(rows));
  return near === undefined ? "" : ` Did you mean --${near}?`;
}

function refuseUnknown(commandName: string, typed: string, rows: Rows): never {
  throw inputError(
    `pefd ${commandName} has no flag ${typed}.${nearFlag(typed.replace(/^--?/, ""), rows)}`,
    `\`pefd ${commandName} --help\` lists its options.`,
  );
}

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

const HELP = flag("Show this help.", { alias: "h" });

/**
 * Reads what follows a command's name. Of a flag that was repeated the last value counts, as where a script appends to
 * what it was given; lists keep all.
 * @throws inputError for an unknown flag, a missing value or an extra word
 */
export function parseArguments(commandName: string, command: Command, argv: readonly string[]): Arguments {
  const rows: Rows = Object.assign(rowsOf(command.sections), { help: HELP });
  const names = new Map(Object.entries(rows).flatMap(([name, row]) => namesOf(name, row).map((own) => [own, name])));
  const flags: Record<string, unknown> = {};
  const positionals: string[] = [];
  const unknown: string[] = [];
  for (const token of split(argv, rows)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name: typed, rawName, value, inlineValue, index } = token;
    const off = typed.replace(/^no_/, "");
    const name = names.get(typed) ?? "";
    const row = rows[name];
    if (row !== undefined) {
      const own = valueOf(name, row, rawName.startsWith("--") ? value : value?.replace(/^=/, ""), inlineValue);
      flags[name] = row.type === "paths" ? [...((flags[name] as string[]) ?? []), own as string] : own;
    } else if (off !== typed && rows[off]?.type === "boolean") flags[off] = false;
    else unknown.push(rawName.startsWith("--") ? (argv[index]?.replace(/=.*/s, "") ?? rawName) : rawName);
  }
  const { help = false, ...others } = flags;
  if (help === true) return { flags: others, positionals: [], help };
  if (unknown[0] !== undefined) refuseUnknown(commandName, unknown[0], rowsOf(command.sections));
  checkPositionals(commandName, positionals, command);
  return { flags: others, positionals, help: false };
}

const namesOf = (option: string, { alias, alsoNamed }: Row): string[] =>
  [option, alias, alsoNamed].filter((name) => name !== undefined);

function refuseTaken(file: string, method: string, sections: readonly Section[]): void {
  const others = [
    ...sections.filter(({ title }) => !title.startsWith("Method ")),
    ...METHODS.rows()
      .filter(({ name }) => name !== method)
      .map(({ name, options }) => section(`Method ${name}`, options)),
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
    process.stdout.write(`${commandHelp(name, command, helpWidth(process))}\n`);
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
