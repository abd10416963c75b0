/**
 * Tells code in JavaScript text from comments, strings and regular expressions. `${...}` of a template is code.
 */

/** After these a slash divides; after anything else it begins a regular expression. */
const ENDS_A_VALUE = /[\w$)\]}"'`]$/;
const KEYWORDS = /\b(return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;

const skipTo = (text, at, end) => {
  const found = text.indexOf(end, at);
  return found < 0 ? text.length : found + end.length;
};

function skipQuoted(text, at) {
  const quote = text[at];
  let end = at + 1;
  while (end < text.length && text[end] !== quote) end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

function skipExpression(text, at) {
  let [end, inClass] = [at + 1, false];
  for (; end < text.length && (inClass || text[end] !== "/"); end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === "[") inClass = true;
    else if (text[end] === "]") inClass = false;
  }
  return end + 1;
}

/** From within a template: to its end, or to the first `${`. */
function skipTemplate(text, at) {
  let end = at;
  while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) {
    end += text[end] === "\\" ? 2 : 1;
  }
  return end;
}

function isRegularExpression(text, at) {
  const before = text.slice(Math.max(0, at - 20), at).trimEnd();
  return !ENDS_A_VALUE.test(before) || KEYWORDS.test(before);
}

/** @returns {Uint8Array} 1 for each character of code, 0 for all others */
export function codeOf(text) {
  const code = new Uint8Array(text.length);
  /** Depth of braces in each `${...}` that is open. */
  const open = [];
  for (let at = 0; at < text.length; ) {
    const start = at;
    if (text.startsWith("//", at)) at = skipTo(text, at, "\n");
    else if (text.startsWith("/*", at)) at = skipTo(text, at, "*/");
    else if (text[at] === '"' || text[at] === "'") at = skipQuoted(text, at);
    else if (text[at] === "/" && isRegularExpression(text, at)) at = skipExpression(text, at);
    else if (text[at] === "`" || (text[at] === "}" && open.at(-1) === 0)) {
      if (text[at] === "}") open.pop();
      at = skipTemplate(text, at + 1);
      if (text.startsWith("${", at)) open.push(0);
      at += text[at] === "`" ? 1 : 2;
    } else {
      if (open.length > 0 && text[at] === "{") open[open.length - 1]++;
      if (open.length > 0 && text[at] === "}") open[open.length - 1]--;
      code[at++] = 1;
    }
    if (at === start) at++;
  }
  return code;
}
