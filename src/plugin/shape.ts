import { inputError, type PefdError } from "../common/errors.js";
import type { Plugin } from "./define.js";

type Rule = readonly [what: string, isOne: (value: unknown) => boolean];

type Kind = Exclude<keyof Plugin, "files">;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isWeight = (value: unknown): boolean => typeof value === "number" && value >= 0;

const TEXT: Rule = ["a text", isText];
const FUNCTION: Rule = ["a function", (value) => typeof value === "function"];
const NAME: Rule = [
  "a name of letters, digits and _, beginning with a letter",
  (value) => isText(value) && /^[A-Za-z]\w{0,60}$/.test(value),
];
const RECORD: Rule = ["an object", isRecord];

const isOption = ([name, row]: [string, unknown]): boolean =>
  /^[A-Za-z]\w*$/.test(name) && isRecord(row) && isText(row.type) && isText(row.help);

/** Required of a method and of each variant. */
const PUBLICATION: Readonly<Record<string, Rule>> = {
  name: NAME,
  paper: [
    'a text that ends with its year, such as 2026, or "none"',
    (value) => isText(value) && /^none\b|\b\d{4}$/.test(value),
  ],
  code: TEXT,
  formula: TEXT,
  weights: [
    "{ gamma, alpha, beta }, numbers of at least 0",
    (value) => isRecord(value) && [value.gamma, value.alpha, value.beta].every(isWeight),
  ],
};

const isVariant = (value: unknown): boolean =>
  isRecord(value) && isRecord(value.set) && Object.entries(PUBLICATION).every(([key, [, isOne]]) => isOne(value[key]));

/** Required of each kind's rows; types and later errors cover the rest. */
const RULES: Readonly<Record<Kind, Readonly<Record<string, Rule>>>> = {
  methods: {
    ...PUBLICATION,
    summary: TEXT,
    options: [
      "an object of option rows: integer(...), number(...), choice(...)",
      (value) => isRecord(value) && Object.entries(value).every(isOption),
    ],
    terms: ["a list of names", (value) => Array.isArray(value) && value.every(isText)],
    variants: [
      "a list of { name, paper, code, formula, weights, set }",
      (value = []) => Array.isArray(value) && value.every(isVariant),
    ],
    sees: FUNCTION,
    build: FUNCTION,
  },
  models: { name: NAME, family: TEXT, paper: TEXT, initialization: RECORD, architecture: FUNCTION },
  datasets: {
    name: NAME,
    title: TEXT,
    classes: [
      "a number, or a function of the folder",
      (value) => typeof value === "function" || (Number.isInteger(value) && Number(value) > 0),
    ],
    format: RECORD,
    evaluation: ['"as is" or { resize, crop }', (value) => value === "as is" || isRecord(value)],
    defaults: RECORD,
    open: FUNCTION,
    openTest: FUNCTION,
    files: FUNCTION,
    classNames: FUNCTION,
  },
};

const NEXT = "docs/plugins.md shows what works; `pefd new method NAME` writes a file to begin with.";

const refusal = (file: string, what: string): PefdError => inputError(`The plug-in ${file} ${what}.`, NEXT);

function checkRow(file: string, kind: Kind, place: string, row: unknown): void {
  if (!isRecord(row)) throw refusal(file, `has ${place} that is no object`);
  const named = isText(row.name) ? `${place} (${row.name})` : place;
  for (const [key, [what, isOne]] of Object.entries(RULES[kind])) {
    if (!isOne(row[key])) throw refusal(file, `has ${named} whose ${key} is not ${what}`);
  }
}

/** Checks a plug-in's default export against the contract. @throws inputError with the file and what is wrong */
export function checkedPlugin(file: string, exported: unknown): Plugin {
  if (exported === undefined) {
    throw refusal(file, "has no default export; it needs `export default definePlugin({ ... })`");
  }
  if (!isRecord(exported)) throw refusal(file, "exports something else than an object");
  const kinds = Object.keys(RULES) as Kind[];
  const names = [...kinds, "files"];
  const unknown = Object.keys(exported).find((key) => !names.includes(key));
  if (unknown !== undefined) {
    throw refusal(file, `exports ${unknown}, which is none of ${names.join(", ")}`);
  }
  const { files = [] } = exported;
  if (!Array.isArray(files) || !files.every(isText)) throw refusal(file, "exports files that are no list of names");
  for (const kind of kinds) {
    const rows = exported[kind] ?? [];
    if (!Array.isArray(rows)) throw refusal(file, `exports ${kind} that are no list`);
    for (const [i, row] of rows.entries()) checkRow(file, kind, `${kind}[${i}]`, row);
  }
  const plugin = exported as Plugin;
  if (kinds.every((kind) => (plugin[kind] ?? []).length === 0)) {
    throw refusal(file, `exports no ${kinds.join(", no ")}`);
  }
  return plugin;
}
