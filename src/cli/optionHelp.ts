import type { Row, ValueType } from "../common/optionRow.js";
import { choicesOf } from "../config/resolve.js";

/** The default as help and docs show it; an empty string where there is none. */
export function defaultText({ defaultText: text, fallback, type }: Row): string {
  if (text !== undefined) return text;
  if (fallback === undefined || type === "boolean" || type === "paths") return "";
  return Array.isArray(fallback) ? fallback.join(",") : String(fallback);
}

/** Commands that list choices of which there are too many for a sentence. */
const LISTED_BY: Readonly<Record<string, string>> = { models: "pefd models", methods: "pefd methods" };

/** The sentence of an option with its choices, or with the command that lists them. */
export function sentence(row: Row): string {
  const listed = typeof row.choices === "string" ? LISTED_BY[row.choices] : undefined;
  if (listed !== undefined) return `${row.help} See \`${listed}\`.`;
  const choices = choicesOf(row);
  return choices.length === 0 ? row.help : `${row.help} One of ${choices.join(", ")}.`;
}

const NAMES: Readonly<Record<ValueType, string>> = {
  integer: "N",
  number: "X",
  integers: "N,N",
  numbers: "X,X",
  weights: "X",
  boolean: "",
  string: "TEXT",
  path: "FILE",
  paths: "FILE",
  choice: "NAME",
};

const OF_REGISTRY = { models: "MODEL", methods: "METHOD", datasets: "NAME" } as const;

/** Choices that stand in the place of the value itself are at most so long together. */
const SHORT = 24;

const shortChoices = ({ choices }: Row): string | undefined => {
  if (choices === undefined || typeof choices === "string") return undefined;
  const text = choices.join("|");
  return text.length <= SHORT ? text : undefined;
};

/** How help names an option's value: N, FILE, eager|graph; an empty string for a switch. */
export function valueName(row: Row): string {
  if (row.valueName !== undefined) return row.valueName;
  if (typeof row.choices === "string") return OF_REGISTRY[row.choices];
  // Where something lies is a folder: data, runs.
  if (row.type === "path" && row.touches === "place") return "DIR";
  return shortChoices(row) ?? NAMES[row.type];
}

/** "-b, --beta X" as help shows an option. */
export function flagText(name: string, row: Row): string {
  const short = row.alias === undefined ? "" : `-${row.alias}, `;
  return `${short}--${name} ${valueName(row)}`.trimEnd();
}

/** Help text of an option: description, choices, default. */
export function optionText(row: Row): string {
  const text = shortChoices(row) === undefined ? sentence(row) : row.help;
  const shown = defaultText(row);
  return shown === "" ? text : `${text} (default: ${shown})`;
}
