import { posix } from "node:path";

/** `import … from "x"` and `export … from "x"`, over several lines, too, with `type` or without. */
const STATEMENT = /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*(["'])([^"'\n]+)\1/gm;
/** `import "x"`, `import("x")`, also as a type, and `require("x")`. */
const CALL = /\b(?:import|require)\b\s*\(?\s*(["'`])([^"'`\n]+)\1/g;
/** Files that a worker thread or a process of its own starts from: `new URL("./worker.js", import.meta.url)`. */
const STARTED = /\bnew URL\(\s*(["'`])(\.[^"'`\n]+\.js)\1/g;
/** A module whose name is only known when the program runs: what stands in the brackets is more than one string. */
const COMPUTED = /\bimport\s*\((?!\s*(?:"[^"\n]*"|'[^'\n]*'|`[^`$]*`)\s*\))/;

/** @param {string} file path of the importing file below `src` @param {string} specifier */
function target(file, specifier) {
  const own = specifier.startsWith("#pefd/");
  if (!own && !specifier.startsWith(".")) {
    const [scope, name] = specifier.split("/");
    return { package: scope.startsWith("@") ? `${scope}/${name}` : scope };
  }
  const path = own ? specifier.slice("#pefd/".length) : posix.join(posix.dirname(file), specifier);
  return { file: posix.normalize(path).replace(/\.js$/, ".ts") };
}

/**
 * What one TypeScript file imports: files below `src` and packages, each once. Comments count as code: better a
 * sentence to reword than an import that nobody sees.
 *
 * @param {string} file its path below `src`, with slashes
 * @param {string} text its text
 * @returns {{ targets: { file?: string, package?: string }[], computed: boolean }} `computed`: one of its imports has
 *   a name that is only known at run time
 */
export function importsOf(file, text) {
  const matches = [STATEMENT, CALL, STARTED].flatMap((form) => [...text.matchAll(form)]);
  const found = matches.map((match) => match[2]);
  return {
    targets: [...new Set(found)].map((specifier) => target(file, specifier)),
    computed: COMPUTED.test(text),
  };
}
