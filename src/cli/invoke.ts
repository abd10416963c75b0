import { environmentLayer, ignoredVariables } from "../config/environment.js";
import { type Configuration, readConfiguration } from "../config/file.js";
import { type Layer, rowsOf } from "../config/resolve.js";
import { ALL_SECTIONS } from "../config/sections.js";
import { type Arguments, parseArguments } from "./arguments.js";
import type { Command, Invocation } from "./command.js";
import { commandHelp } from "./help/commandHelp.js";
import { helpWidth } from "./help/width.js";
import { createOutput } from "./output.js";
import { refuseTakenOptions } from "./pluginOptions.js";

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

function invocationOf(
  command: Command,
  { flags, positionals }: Arguments,
  argv: readonly string[],
): Invocation {
  const { env } = process;
  const configuration = configurationOf(flags);
  const environment = environmentLayer(rowsOf(command.sections), env);
  const layers = [flagLayer(flags), environment, ...(configuration?.layers ?? [])];
  return { layers, flags, positionals, configuration, argv, env, output: createOutput(flags) };
}

/**
 * Runs one command, or shows its help.
 * @param rest what was typed besides the command's name
 * @param argv all that was typed after `pefd`
 * @returns the exit code
 * @throws PefdError for what went wrong
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
    return (await command.run(invocation)) ?? 0;
  } catch (error) {
    const { withPluginHint } = await import("./missingPlugin.js");
    throw withPluginHint(error, invocation);
  }
}
