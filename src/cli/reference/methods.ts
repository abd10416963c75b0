import type { Row } from "../../common/optionRow.js";
import type { Method } from "../../distill/method.js";
import type { Procedure } from "../../distill/open.js";
import { procedures } from "../../distill/registry.js";
import { defaultText } from "../optionHelp.js";

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

const optionWords = (options: object): string[] =>
  Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name} ${value}`));

/** Published settings of some pairs, as flags. */
const ofPairs = ({ published = [] }: Method): string[] =>
  published.map(({ pairs, weights = {}, options = {}, defaults = {} }) => {
    const words = [...weightWords(weights), ...optionWords({ ...defaults, ...options })];
    return `\`${words.join(" ")}\` for ${pairs.join(", ")}`;
  });

const optionText = ([name, row]: [string, Row]): string =>
  `\`--${name}\` (${defaultText(row) || "not set"}): ${row.help}`;

/** Summary; of a variant, its flags. */
const openingOf = ({ name, summary, method, set }: Procedure): string =>
  name === method.name
    ? `${summary[0]?.toUpperCase()}${summary.slice(1)}.`
    : `\`${["--distill", method.name, ...optionWords(set)].join(" ")}\`.`;

/** One method or variant: loss, source, numbers, traps. */
function entryOf(procedure: Procedure): string {
  const { name, paper, code, formula, traps = [], weights, defaults = {}, method } = procedure;
  const words = [...weightWords(weights), ...optionWords(defaults)].join(" ");
  const numbers = [`\`${words}\``, ...ofPairs(procedure)].join("; ");
  const options = name === method.name ? method.options : {};
  const lines = [
    `### ${name}\n`,
    openingOf(procedure),
    `\n    ${formula}\n`,
    `- ${paper}. Code: ${github(code)}.`,
    `- Published weights: ${numbers}.`,
    ...Object.entries<Row>(options).map((option) => `- ${optionText(option)}`),
    ...traps.map((trap) => `- Trap: ${trap}`),
  ];
  return lines.join("\n");
}

/** The catalogue of docs/methods.md: every method of the registry, each followed by its variants. */
export const methodsCatalogue = (): string => procedures().map(entryOf).join("\n\n");
