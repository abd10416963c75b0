import { codeOf } from "./code.js";

/** What a small fault looks like: an operator, a constant, a boundary, a statement. */
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

/** `import * as`, and `a ?? b ?? c`, in which no other operator may stand. */
const isFixed = (text, at, from) =>
  (from === " * " && text.startsWith(" * as ", at)) ||
  (from === " ?? " && lineAt(text, at).split(/\?\?|\|\|/).length > 2);

const lineAt = (text, at) => text.slice(text.lastIndexOf("\n", at) + 1).split("\n", 1)[0];

const swapsAt = (text, at) =>
  SWAPS.filter(([from]) => text.startsWith(from, at) && !isFixed(text, at, from))
    .filter(([from]) => !/^\w/.test(from) || isAlone(text, at, from.length))
    .map(([from, to]) => ({ at, from, to }));

const isAlone = (text, at, length) => !WORD.test(text[at - 1] ?? " ") && !/[\w$:]/.test(text[at + length] ?? " ");

/** A whole number that stands alone becomes the next one. */
function numbersAt(text, at) {
  if (WORD.test(text[at - 1] ?? " ")) return [];
  const [from] = /^\d+(?![\w.])/.exec(text.slice(at, at + 12)) ?? [];
  return from === undefined ? [] : [{ at, from, to: String(Number(from) + 1) }];
}

/** `!` before a value goes; it stays in `!==`. */
const negationsAt = (text, at) =>
  text[at] === "!" && text[at + 1] !== "=" && /[\w(]/.test(text[at + 1] ?? "") ? [{ at, from: "!", to: "" }] : [];

/** A line that is a call, or throws, and nothing else. */
function statementsAt(text, at) {
  if (text[at - 1] !== "\n") return [];
  const [line] = /^[^\n]*/.exec(text.slice(at)) ?? [""];
  const isStatement = /^ +(?:await |void |throw )?\w[\w.]*\(.*\);$|^ +throw [^{]*;$/.test(line);
  const isWhole = line.split("(").length === line.split(")").length;
  if (!isStatement || !isWhole || /^ +(?:return|const|let|super|import)\b/.test(line)) return [];
  return [{ at, from: line, to: `${/^ +/.exec(line)}void 0;` }];
}

/** Every single small fault that could be made in a file. */
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

/** The text with one fault in it. */
export const planted = (text, { at, from, to }) => text.slice(0, at) + to + text.slice(at + from.length);

/** The line of a place, from 1. */
export const lineOf = (text, at) => text.slice(0, at).split("\n").length;
