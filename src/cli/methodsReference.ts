import type { Row } from "../common/optionRow.js";
import type { Method } from "../distill/method.js";
import { METHODS } from "../distill/registry.js";
import { defaultText } from "./help.js";

const github = (code: string): string => {
  const [repository, commit] = code.split(" ");
  return `[${repository}](https://github.com/${repository})${commit ? ` at ${commit}` : ""}`;
};

const weightWords = (weights: Partial<Method["weights"]>): string[] => {
  const flags = { gamma: "-r", alpha: "-a", beta: "-b" } as const;
  return Object.entries(flags).flatMap(([name, flag]) => {
    const value = weights[name as keyof typeof flags];
    return value === undefined ? [] : [`${flag} ${value}`];
  });
};

/** What was published for some pairs, as flags. */
const ofPairs = ({ published = [] }: Method): string[] =>
  published.map(({ pairs, weights = {}, options = {} }) => {
    const own = Object.entries(options).map(([option, value]) => `--${option} ${value}`);
    return `\`${[...weightWords(weights), ...own].join(" ")}\` for ${pairs.join(", ")}`;
  });

const optionText = ([name, row]: [string, Row]): string =>
  `\`--${name}\` (${defaultText(row) || "not set"}): ${row.help}`;

/** One method: its loss, where it comes from, its numbers, its traps. */
function entryOf(method: Method): string {
  const { name, summary, paper, code, formula, traps = [], weights, options } = method;
  const numbers = [`\`${weightWords(weights).join(" ")}\``, ...ofPairs(method)].join("; ");
  const lines = [
    `### ${name}\n`,
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...(formula === undefined ? [] : [`\n    ${formula}\n`]),
    `- ${paper}.${code === undefined ? "" : ` Code: ${github(code)}.`}`,
    `- Published weights: ${numbers}.`,
    ...Object.entries<Row>(options).map((option) => `- ${optionText(option)}`),
    ...traps.map((trap) => `- Trap: ${trap}`),
  ];
  return lines.join("\n");
}

/** The catalogue of docs/methods.md: every method of the registry. */
export const methodsCatalogue = (): string => METHODS.rows().map(entryOf).join("\n\n");
