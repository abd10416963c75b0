import { textWidth, twoColumns, wrapWords } from "../../common/text/wrap.js";
import { COMMANDS, type CommandRow } from "../commands.js";

function commandLines(commands: readonly CommandRow[], width: number): string[] {
  const entries = commands.map(({ name, summary }) => [`pefd ${name}`, summary] as const);
  const left = Math.max(...entries.map(([name]) => textWidth(name)));
  return ["Commands:", ...twoColumns(entries, { left, indent: 2, width })];
}

/** Sentences below the list of commands. */
const MORE = [
  "`pefd COMMAND --help` shows the options of a command, `pefd --version` the version.",
  "Options are spelled as in the paper's code (--batch_size); --batch-size does as well.",
  "docs/flags.md lists every option; `pefd doctor` tells whether all is set up.",
];

/** The overview: every command with its summary. @param width no line is longer */
export const overview = (width: number): string =>
  [
    ...wrapWords(
      "pefd: teacher/student experiments by projector ensemble feature distillation",
      width,
    ),
    "",
    ...commandLines(COMMANDS, width),
    "",
    ...wrapWords(MORE.join(" "), width),
  ].join("\n");

/** The commands whose first word it is, such as "data"; empty for any other word. */
export const groupOf = (word: string | undefined): readonly CommandRow[] =>
  COMMANDS.filter(({ name }) => name.startsWith(`${word} `));

/** Help of a first word that several commands share. @param width no line is longer */
export const groupHelp = (word: string, width: number): string =>
  [
    ...[`Usage: pefd ${word} COMMAND [options]`, ""],
    ...commandLines(groupOf(word), width),
    ...["", ...wrapWords(`\`pefd ${word} COMMAND --help\` shows the options of one.`, width)],
  ].join("\n");
