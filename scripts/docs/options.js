import { COMMANDS } from "../../dist/cli/commands.js";
import { defaultText } from "../../dist/cli/optionHelp.js";
import { variableOf } from "../../dist/config/environment.js";
import { expectation } from "../../dist/config/resolve.js";

/** Options of commands below their headings; one that several commands share is listed once. */
async function collect(commands) {
  const headings = new Map();
  for (const { name: commandName, load } of commands) {
    const { sections } = (await load()).command;
    for (const { title, rows } of sections) {
      const entries = headings.get(title) ?? [];
      headings.set(title, entries);
      for (const [name, row] of Object.entries(rows)) addEntry(entries, name, row, commandName);
    }
  }
  return headings;
}

function addEntry(entries, name, row, commandName) {
  const known = entries.find((entry) => entry.name === name && entry.row === row);
  if (known) known.commands.push(commandName);
  else entries.push({ name, row, commands: [commandName] });
}

const code = (text) => (text === "" ? "" : `\`${text}\``);

/** A default of words is prose, one that could be typed is code. */
const shownDefault = (row) => (row.defaultText === undefined ? code(defaultText(row)) : row.defaultText);

const shownFlag = ({ name, row: { alias, alsoNamed } }) =>
  [alias && `-${alias}`, `--${name}`, ...[alsoNamed ?? []].flat().map((other) => `--${other}`)]
    .filter((text) => text !== undefined)
    .map(code)
    .join(", ");

function takes(row) {
  if (row.type === "boolean") return "nothing";
  return row.choices === "models" ? "a model (`pefd models`)" : expectation(row);
}

const table = (heading, lines) =>
  [heading, heading.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const INTRODUCTION = `# Options

Written by \`npm run docs\` from the table of options in src/config/options.ts; do not edit it here.

Options are spelled as in the paper's code; \`--batch-size\` is taken for \`--batch_size\`. A value comes from, the
strongest first: the flag; the environment, as \`${variableOf("batch_size")}\` for \`--batch_size\`; the file or preset of \`--config\`;
what that file extends; the default. \`--dry_run\` prints every value with the place it came from. Options marked * are
read from the command line only. \`--no-NAME\` takes back a switch that a file sets. Of an option that is repeated the last
value counts; those that may be repeated keep all.`;

/** docs/flags.md: every option of every command. */
export async function flagsReference() {
  const parts = [INTRODUCTION];
  for (const [title, entries] of await collect(COMMANDS)) {
    const lines = entries.map((entry) => [
      `${shownFlag(entry)}${entry.row.flagOnly ? " *" : ""}`,
      takes(entry.row),
      shownDefault(entry.row),
      entry.row.help,
      entry.commands.join(", "),
    ]);
    parts.push(`## ${title}\n\n${table(["option", "takes", "default", "meaning", "commands"], lines)}`);
  }
  return `${parts.join("\n\n")}\n`;
}

/**
 * The text with what lies between two markers replaced; as it was without markers.
 * @param name of the markers, such as methods of <!-- methods:start --> and <!-- methods:end -->
 */
export function betweenMarkers(text, content, name) {
  const marker = `<!-- ${name}:start -->`;
  const start = text.indexOf(marker);
  const end = text.indexOf(`<!-- ${name}:end -->`);
  if (start < 0 || end < start) return text;
  return `${text.slice(0, start + marker.length)}\n${content}\n${text.slice(end)}`;
}
