import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { deviceError, isDeviceError } from "../common/deviceMemory.js";
import { environmentError, inputError, PefdError } from "../common/errors.js";
import { PLUGINS } from "../common/plugins.js";
import { cleanText, textWidth, twoColumns, wrapWords } from "../common/text.js";
import { version } from "../common/version.js";
import { palette } from "../report/color.js";
import { COMMANDS, type CommandRow, findCommand } from "./commands.js";
import { Interrupted, signalExitCode } from "./interrupt.js";
import { colorOnStderr, helpWidth, ignoreClosedPipes } from "./output.js";
import { asTyped, programOf } from "./typed.js";

function commandLines(commands: readonly CommandRow[], width: number): string[] {
  const entries = commands.map(({ name, summary }) => [`pefd ${name}`, summary] as const);
  const left = Math.max(...entries.map(([name]) => textWidth(name)));
  return ["Commands:", ...twoColumns(entries, { left, indent: 2, width })];
}

const MORE = [
  "`pefd COMMAND --help` shows the options of a command; `pefd --version` the version.",
  "Options are spelled as in the paper's code (--batch_size); --batch-size works too.",
  "docs/flags.md lists every option; `pefd doctor` checks the installation.",
];

/** The overview: every command with its summary, in lines of at most `width`. */
export const overview = (width: number): string =>
  [
    ...wrapWords("pefd: knowledge distillation with projector ensembles and other published methods", width),
    "",
    ...commandLines(COMMANDS, width),
    "",
    ...wrapWords(MORE.join(" "), width),
  ].join("\n");

/** The commands whose first word it is, such as "data"; empty for any other word. */
const groupOf = (word: string | undefined): readonly CommandRow[] =>
  COMMANDS.filter(({ name }) => name.startsWith(`${word} `));

/** Help of a first word that several commands share, in lines of at most `width`. */
export const groupHelp = (word: string, width: number): string =>
  [
    `Usage: pefd ${word} COMMAND [options]`,
    "",
    ...commandLines(groupOf(word), width),
    "",
    ...wrapWords(`\`pefd ${word} COMMAND --help\` shows the options of one.`, width),
  ].join("\n");

interface Told {
  /** A signal is no error. */
  readonly prefix?: "";
  readonly exitCode: number;
  readonly lines: readonly string[];
}

const isSystemError = (error: Error): error is NodeJS.ErrnoException => "syscall" in error && "code" in error;

const withHint = ({ message, hint }: PefdError | Interrupted): string[] =>
  hint === undefined ? [message] : [message, hint];

const isIn = (file: string, stack: string): boolean => stack.includes(pathToFileURL(file).href);

/** The plug-in whose code an error has come through. */
const pluginIn = ({ stack = "" }: Error): string | undefined => PLUGINS.names().find((file) => isIn(file, stack));

/** A plug-in's error: its author needs the location. */
const ofPlugin = (file: string, error: Error): Told => ({
  exitCode: 1,
  lines: [`Error in the plug-in ${file}: ${error.name}: ${error.message.split("\n")[0]}`, ...framesIn(file, error)],
});

function framesIn(file: string, { stack = "" }: Error): string[] {
  const frames = stack.split("\n").map((line) => line.trim());
  const own = frames.findLastIndex((frame) => isIn(file, frame));
  return frames.slice(0, own + 1).filter((frame) => frame.startsWith("at "));
}

/** TensorFlow's words for an op of src/native that nobody registered: in a graph, and by itself. */
const LACKS_OWN_OP = /Op type not registered 'Pefd|'Pefd\w+' is neither a type of a primitive operation/;

function tell(error: Error): Told {
  if (error instanceof Interrupted) {
    const exitCode = signalExitCode(error.signalName);
    return { prefix: "", exitCode, lines: withHint(error) };
  }
  if (error instanceof PefdError) {
    return { exitCode: error.exitCode, lines: withHint(error) };
  }
  if (isSystemError(error)) {
    return { exitCode: 1, lines: [`A system call failed: ${error.message}.`] };
  }
  const ofDevice = deviceError(error.message);
  if (ofDevice !== undefined) return { exitCode: ofDevice.exitCode, lines: withHint(ofDevice) };
  if (LACKS_OWN_OP.test(error.message)) {
    return {
      exitCode: 3,
      lines: ["The compiled kernels are older than this version of pefd: an op is missing.", "Type: pefd setup"],
    };
  }
  const plugin = pluginIn(error);
  if (plugin !== undefined) return ofPlugin(plugin, error);
  return {
    exitCode: 1,
    lines: [
      `This is a defect of pefd: ${error.name}: ${error.message.split("\n")[0]}`,
      "Run it again with --debug and report the stack trace.",
    ],
  };
}

const tracesOf = ({ stack, cause }: Error): string[] => [
  ...(stack ? [stack] : []),
  ...(cause instanceof Error ? tracesOf(cause) : []),
];

/** An error's text with what to type next, and its exit code; stack only with `debug`. `program` is pefd as typed. */
export function describeError(
  thrown: unknown,
  { debug, color, program = "pefd" }: { debug: boolean; color: boolean; program?: string },
): { text: string; exitCode: number } {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const paint = palette(color);
  const { prefix = `${paint.red("error:")} `, exitCode, lines } = tell(error);
  const [first, ...rest] = lines.map((line) => asTyped(cleanText(line), program));
  const shown = [`${prefix}${first}`, ...rest.map((line) => `  ${line}`)];
  if (debug) shown.push(...tracesOf(error).map((trace) => paint.dim(cleanText(trace))));
  return { text: shown.join("\n"), exitCode };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Several files with commas between them, or one whose name has a comma. */
const filesIn = (typed: string): string[] =>
  existsSync(typed)
    ? [typed]
    : typed
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);

/** The values of --plugin; one that is missing is refused when all flags are read. */
function typedAfter(words: readonly string[]): string[] {
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  return words.slice(0, end).flatMap((word, i) => {
    if (word.startsWith("--plugin=")) return [word.slice("--plugin=".length)];
    const next = words[i + 1];
    return word === "--plugin" && next !== undefined ? [next] : [];
  });
}

/**
 * The plug-ins of PEFD_PLUGINS, then those of --plugin, needed before flags are read, as methods add flags. They come
 * from nowhere else: no configuration file and no run's record names one.
 */
const pluginFiles = (words: readonly string[], env: Environment): string[] =>
  [env.PEFD_PLUGINS ?? "", ...typedAfter(words)].flatMap(filesIn);

/** Flags that may stand before the command's name. */
const LEADING = ["--debug", "--no_color", "--no-color"];

const print = (text: string): number => {
  process.stdout.write(`${text}\n`);
  return 0;
};

function splitCommand(argv: readonly string[]): { words: string[]; leading: string[] } {
  const start = argv.findIndex((token) => !LEADING.includes(token));
  if (start < 0) throw inputError("No command given.", `\n${overview(helpWidth(process))}`);
  const words = argv.slice(start);
  if (words[0]?.startsWith("-")) {
    throw inputError(`The command must come first, before ${words[0]}.`, "`pefd --help` lists them.");
  }
  return { words, leading: argv.slice(0, start) };
}

/** Loaded before option rows are made: plug-in methods add options and choices. */
async function takePlugins(words: readonly string[]): Promise<void> {
  const files = pluginFiles(words, process.env);
  if (files.length === 0) return;
  const { loadPlugins } = await import("../plugin/load.js");
  await loadPlugins(files, process.features as { readonly typescript?: unknown });
}

const HELP = ["--help", "-h", "help"];
const VERSION = ["--version", "-V", "version"];

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

/** @throws environmentError in a deleted folder, against which relative paths cannot be resolved */
function refuseRemovedFolder(): void {
  try {
    process.cwd();
  } catch {
    throw environmentError(
      "The current folder was removed.",
      "Change to an existing folder (cd) and run the command again.",
    );
  }
}

/**
 * The program; `pefd --help` reads no command's file.
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
    // TensorFlow would abort in an orderly shutdown: it has freed variables that it still holds, or its GPU is lost.
    if (isDeviceError(error)) {
      const { memoryNote } = await import("../runtime/gpu/memory.js");
      const note = memoryNote(process.env, process.pid);
      if (note !== undefined) process.stderr.write(`  ${note}\n`);
      process.exit(exitCode);
    }
    return exitCode;
  }
}
