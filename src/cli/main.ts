import { readFileSync } from "node:fs";
import { isMemoryError } from "../common/deviceMemory.js";
import { environmentError, inputError } from "../common/errors.js";
import { findCommand } from "./commands.js";
import { describeError } from "./errors.js";
import { groupHelp, groupOf, overview } from "./help/overview.js";
import { helpWidth } from "./help/width.js";
import { colorOnStderr, ignoreClosedPipes } from "./output.js";
import { pluginFiles } from "./pluginFiles.js";
import { programOf } from "./typed.js";

/** Flags that may stand before the command's name. */
const LEADING = ["--debug", "--no_color", "--no-color"];

const print = (text: string): number => {
  process.stdout.write(`${text}\n`);
  return 0;
};

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** The command's words with what follows them, and the flags that stand before. */
function splitCommand(argv: readonly string[]): { words: string[]; leading: string[] } {
  const start = argv.findIndex((token) => !LEADING.includes(token));
  if (start < 0) throw inputError("Which command?", `\n${overview(helpWidth(process))}`);
  const words = argv.slice(start);
  if (words[0]?.startsWith("-")) {
    throw inputError(`The command comes first, before ${words[0]}.`, "`pefd --help` lists them.");
  }
  return { words, leading: argv.slice(0, start) };
}

/** Before any option's row is made: methods of plug-ins have options, and all are choices. */
async function takePlugins(words: readonly string[]): Promise<void> {
  const files = pluginFiles(words, process.env);
  if (files.length === 0) return;
  const { loadPlugins } = await import("../plugin/load.js");
  await loadPlugins(files, process.features as { readonly typescript?: unknown });
}

/** Words by which people ask for help, or for the version, whatever comes behind. */
const HELP = ["--help", "-h", "help"];
const VERSION = ["--version", "-V", "version"];

/** Help of what the words begin with: of a command, of those that share a first word, of all. */
async function help(words: readonly string[]): Promise<number> {
  const [word, second] = words;
  if (word === undefined || HELP.includes(word)) return print(overview(helpWidth(process)));
  const isGroup = groupOf(word).length > 0 && (second === undefined || HELP.includes(second));
  if (isGroup) return print(groupHelp(word, helpWidth(process)));
  return run([...words, "--help"]);
}

const isGroupHelp = ([word, second = ""]: readonly string[]): boolean =>
  HELP.includes(second) && groupOf(word).length > 0;

async function dispatch(argv: readonly string[]): Promise<number> {
  const [first = "", ...rest] = argv;
  if (HELP.includes(first)) return help(rest);
  if (VERSION.includes(first)) return print(version());
  return isGroupHelp(argv) ? help(argv) : run(argv);
}

async function run(argv: readonly string[]): Promise<number> {
  const { words, leading } = splitCommand(argv);
  const { name, load } = findCommand(words);
  const rest = [...words.slice(name.split(" ").length), ...leading];
  await takePlugins(rest);
  const [{ command }, { invoke }] = await Promise.all([load(), import("./invoke.js")]);
  return invoke(name, command, rest, argv);
}

/** Whether a general switch was typed; needed where the command line itself is what is wrong. */
const typed = (argv: readonly string[], name: string): boolean =>
  argv.includes(`--${name}`) || argv.includes(`--${name.replaceAll("_", "-")}`);

function report(error: unknown, argv: readonly string[]): number {
  const color = colorOnStderr(typed(argv, "no_color"));
  const settings = { debug: typed(argv, "debug"), color, program: programOf(process) };
  const { text, exitCode } = describeError(error, settings);
  process.stderr.write(`${text}\n`);
  return exitCode;
}

/** Every path that was typed is below the folder that this was started in. @throws environmentError where it is gone */
function refuseRemovedFolder(): void {
  try {
    process.cwd();
  } catch {
    throw environmentError(
      "The folder that this shell is in was removed.",
      "Go to one that is there (cd), and type this again.",
    );
  }
}

/**
 * The program. `pefd --help` answers without reading any command's file.
 * @param argv what was typed after `pefd`
 * @returns the exit code: 0 done, 1 the run failed, 2 usage or input, 3 environment, 128 + n on signal n
 */
export async function main(argv: readonly string[]): Promise<number> {
  ignoreClosedPipes();
  process.on("uncaughtException", (error) => process.exit(report(error, argv)));
  try {
    refuseRemovedFolder();
    return await dispatch(argv);
  } catch (error) {
    const exitCode = report(error, argv);
    // TensorFlow would abort while it is taken down in order: it has freed variables that it still holds.
    if (isMemoryError(error)) process.exit(exitCode);
    return exitCode;
  }
}
