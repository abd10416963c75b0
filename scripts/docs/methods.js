import { defaultText } from "../../dist/cli/optionHelp.js";
import { procedures } from "../../dist/distill/registry.js";

/** A link to the code; words where there is none. */
const github = (code) => {
  if (code.startsWith("none")) return code;
  const [repository, commit] = code.split(" ");
  return `[${repository}](https://github.com/${repository})${commit ? ` at ${commit}` : ""}`;
};

const weightWords = (weights) => {
  const flags = { gamma: "-r", alpha: "-a", beta: "-b" };
  return Object.entries(flags).flatMap(([name, flag]) => {
    const value = weights[name];
    return value === undefined ? [] : [`${flag} ${value}`];
  });
};

const optionWords = (options) =>
  Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name} ${value}`));

/** Published settings of some pairs, as flags. */
const ofPairs = ({ published = [] }) =>
  published.map(({ pairs, weights = {}, options = {}, defaults = {} }) => {
    const words = [...weightWords(weights), ...optionWords({ ...defaults, ...options })];
    return `\`${words.join(" ")}\` for ${pairs.join(", ")}`;
  });

const optionText = ([name, row]) => `\`--${name}\` (${defaultText(row) || "not set"}): ${row.help}`;

/** Summary; of a variant, its flags. */
const openingOf = ({ name, summary, method, set }) =>
  name === method.name
    ? `${summary[0]?.toUpperCase()}${summary.slice(1)}.`
    : `\`${["--distill", method.name, ...optionWords(set)].join(" ")}\`.`;

/** One method or variant: loss, source, numbers, traps. */
function entryOf(procedure) {
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
    ...Object.entries(options).map((option) => `- ${optionText(option)}`),
    ...traps.map((trap) => `- Trap: ${trap}`),
  ];
  return lines.join("\n");
}

/** The catalogue of docs/methods.md: every method of the registry, each followed by its variants. */
export const methodsCatalogue = () => procedures().map(entryOf).join("\n\n");
