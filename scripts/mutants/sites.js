import { codeOf } from "./code.js";

/** Mutation operators: operators, constants, boundaries, statements. */
const SWAPS = [
  [" === ", " !== "],
  [" !== ", " === "],
  [" < ", " <= "],
  [" <= ", " < "],
  [" > ", " >= "],
  [" >= ", " > "],
  [" && ", " || "],
  [" || ", " && "],
  [" ?? ", " && "],
  [" + ", " - "],
  [" - ", " + "],
  [" * ", " / "],
  [" / ", " * "],
  [" % ", " * "],
  ["++", "--"],
  [" += ", " -= "],
  ["true", "false"],
  ["false", "true"],
];

const WORD = /[\w$.]/;

/** Not mutated: `import * as`, and `a ?? b ?? c`, which allows no other operator. */
const isFixed = (text, at, from) =>
  (from === " * " && text.startsWith(" * as ", at)) ||
  (from === " ?? " && lineAt(text, at).split(/\?\?|\|\|/).length > 2);

const lineAt = (text, at) => text.slice(text.lastIndexOf("\n", at) + 1).split("\n", 1)[0];

const swapsAt = (text, at) =>
  SWAPS.filter(([from]) => text.startsWith(from, at) && !isFixed(text, at, from))
    .filter(([from]) => !/^\w/.test(from) || isAlone(text, at, from.length))
    .map(([from, to]) => ({ at, from, to }));

const isAlone = (text, at, length) => !WORD.test(text[at - 1] ?? " ") && !/[\w$:]/.test(text[at + length] ?? " ");

/** An integer literal becomes the next integer. */
function numbersAt(text, at) {
  if (WORD.test(text[at - 1] ?? " ")) return [];
  const [from] = /^\d+(?![\w.])/.exec(text.slice(at, at + 12)) ?? [];
  return from === undefined ? [] : [{ at, from, to: String(Number(from) + 1) }];
}

/** `!` before a value is removed, but not in `!==`. */
const negationsAt = (text, at) =>
  text[at] === "!" && text[at + 1] !== "=" && /[\w(]/.test(text[at + 1] ?? "") ? [{ at, from: "!", to: "" }] : [];

/** A line that is only a call or a throw. */
function statementsAt(text, at) {
  if (text[at - 1] !== "\n") return [];
  const [line] = /^[^\n]*/.exec(text.slice(at)) ?? [""];
  const isStatement = /^ +(?:await |void |throw )?\w[\w.]*\(.*\);$|^ +throw [^{]*;$/.test(line);
  const isWhole = line.split("(").length === line.split(")").length;
  if (!isStatement || !isWhole || /^ +(?:return|const|let|super|import)\b/.test(line)) return [];
  return [{ at, from: line, to: `${/^ +/.exec(line)}void 0;` }];
}

/** All mutants of a file. */
export function sitesIn(text) {
  const code = codeOf(text);
  const sites = [];
  for (let at = 0; at < text.length; at++) {
    if (!code[at]) continue;
    sites.push(...swapsAt(text, at), ...numbersAt(text, at), ...negationsAt(text, at));
    sites.push(...statementsAt(text, at));
  }
  return sites;
}

/** The text of a mutant. */
export const planted = (text, { at, from, to }) => text.slice(0, at) + to + text.slice(at + from.length);

/** The line of a place, from 1. */
export const lineOf = (text, at) => text.slice(0, at).split("\n").length;
