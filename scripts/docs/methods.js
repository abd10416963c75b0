import { defaultText } from "../../dist/cli/optionHelp.js";
import { PUBLISHED_TABLES } from "../../dist/config/published/figures.js";
import { figuresOf } from "../../dist/config/published/lookup.js";
import { groupOf, yearOf } from "../../dist/distill/published.js";
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

const PAIRS = [
  ...new Set(PUBLISHED_TABLES.filter(({ dataset }) => dataset === undefined).flatMap(({ pairs }) => pairs)),
];

/** Whether the models of a pair are of one family, such as resnet56-resnet20. */
const isOfOneFamily = (pair) => {
  const [teacher, student] = pair.split("-").map((name) => /^[a-z]+/i.exec(name)[0].toLowerCase());
  return teacher === student;
};

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Published top-1 less that of kd, one for each pair where both are published. */
const gainsOf = (name, pairs) =>
  pairs.flatMap((pair) => {
    const figures = figuresOf(pair, "cifar100");
    const [own, kd] = [figures.get(name)?.top1, figures.get("kd")?.top1];
    return own === undefined || kd === undefined ? [] : [own - kd];
  });

/** "+2.31 (7)": the mean and of how many; a dash for none. */
const gainText = (gains) =>
  gains.length === 0 ? "-" : `${mean(gains) < 0 ? "" : "+"}${mean(gains).toFixed(2)} (${gains.length})`;

const IDEAS = {
  logits: "**Logits.** Any pair of models, and `--teacher_cache` keeps them, except for methods with a second view",
  vectors: "**Pooled vectors.** Any pair of models, and `--teacher_cache` keeps them",
  classMaps: "**Logits per pixel.** Models whose pooled vector is the mean of a map",
  maps: "**Maps.** `--teacher_cache` keeps none; `pefd methods --pair` says which pairs fit",
};

/** One idea's methods, newest first, with what was published of each. */
function tableOf(group) {
  const rows = procedures()
    .filter(({ method }) => groupOf(method) === group)
    .toSorted((a, b) => (yearOf(b) ?? 0) - (yearOf(a) ?? 0))
    .map(({ name, summary, ...procedure }) => {
      const [same, other] = [true, false].map((one) =>
        gainsOf(
          name,
          PAIRS.filter((pair) => isOfOneFamily(pair) === one),
        ),
      );
      const cells = [
        yearOf({ name, ...procedure }) ?? "-",
        `[${name}](#${name})`,
        summary,
        gainText(same),
        gainText(other),
      ];
      return `| ${cells.join(" | ")} |`;
    });
  const head = "| year | method | | one family | two families |\n| --- | --- | --- | --- | --- |";
  return [`${IDEAS[group]}.\n`, head, ...rows].join("\n");
}

/** The tables of docs/methods.md by idea and year. */
export const methodsByIdea = () => Object.keys(IDEAS).map(tableOf).join("\n\n");
