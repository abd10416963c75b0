import type { Row } from "../common/optionRow.js";
import { choicesOf } from "../config/choices.js";
import { rowsOf } from "../config/resolve.js";
import { declare, quietYargs } from "./arguments.js";
import type { Command } from "./command.js";

/** Columns of help off a terminal, and at most on one. */
const WIDTH = 100;

/** The default as help and docs show it; an empty string where there is none. */
export function defaultText({ defaultText: text, fallback, type }: Row): string {
  if (text !== undefined) return text;
  if (fallback === undefined || type === "boolean" || type === "paths") return "";
  return Array.isArray(fallback) ? fallback.join(",") : String(fallback);
}

/** The sentence of an option with its choices; models are too many and have a command of their own. */
export function sentence(row: Row): string {
  if (row.choices === "models") return `${row.help} See \`pefd models\`.`;
  const choices = choicesOf(row);
  return choices.length === 0 ? row.help : `${row.help} One of ${choices.join(", ")}.`;
}

/** Help of one command: usage, options by their heading, examples. */
export async function commandHelp(name: string, command: Command): Promise<string> {
  const usage = ["pefd", name, command.positionals?.usage, "[options]"].filter(Boolean).join(" ");
  const rows = rowsOf(command.sections);
  const parser = declare(quietYargs([]), rows).usage(usage).wrap(WIDTH);
  for (const [option, row] of Object.entries(rows)) {
    const shown = defaultText(row);
    parser.describe(option, sentence(row));
    if (shown !== "") parser.option(option, { defaultDescription: shown, default: shown });
  }
  for (const { title, rows: own } of command.sections) parser.group(Object.keys(own), `${title}:`);
  parser.group("help", "General:").describe("help", "Show this help.");
  parser.example(command.examples.map(([line, meaning]) => [line, meaning] as [string, string]));
  return parser.getHelp();
}
