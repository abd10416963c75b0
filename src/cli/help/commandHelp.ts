import type { Section } from "../../common/optionRow.js";
import { textWidth, twoColumns, wrapWords } from "../../common/text/wrap.js";
import type { Command } from "../command.js";
import { COMMANDS } from "../commands.js";
import { flagText, optionText } from "./option.js";

/** Of the width at most, for the names of options: longer ones have their text below. */
const LEFT_SHARE = 0.32;

const SHOW_HELP = ["-h, --help", "Show this help."] as const;

/** A command line that is broken between words goes on as a shell takes it. */
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
    const entries = Object.entries(rows).map(
      ([name, row]) => [flagText(name, row), optionText(row)] as const,
    );
    return { title, entries: title === "General" ? [...entries, SHOW_HELP] : entries };
  });
  const names = all.flatMap(({ entries }) => entries.map(([name]) => textWidth(name)));
  const left = Math.min(Math.max(...names), Math.floor(width * LEFT_SHARE));
  return all.flatMap(({ title, entries }) => [
    ...["", `${title}:`],
    ...twoColumns(entries, { left, indent: 2, width }),
  ]);
}

/**
 * Help of one command: what it does, its usage, examples, and its options by their heading.
 * @param width no line is longer, unless a single word is
 */
export function commandHelp(name: string, command: Command, width: number): string {
  const summary = COMMANDS.find((row) => row.name === name)?.summary ?? "";
  const usage = ["pefd", name, command.positionals?.usage, "[options]"].filter(Boolean).join(" ");
  return [
    ...wrapWords(summary, width),
    ...["", `Usage: ${usage}`, "", "Examples:"],
    ...exampleLines(command, width),
    ...optionLines(command.sections, width),
  ].join("\n");
}
