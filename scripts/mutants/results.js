import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

const keyOf = ({ file, line, from, to, at }) => [file, line, at, from, to].join(":");

/** The result of each mutant, as JSON lines; the last one of a mutant counts. */
export function openResults(path) {
  mkdirSync(dirname(path), { recursive: true });
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const results = new Map(lines.map((line) => JSON.parse(line)).map((one) => [keyOf(one), one]));
  return {
    of: (site) => results.get(keyOf(site)),
    keep(result) {
      results.set(keyOf(result), result);
      appendFileSync(path, `${JSON.stringify(result)}\n`);
    },
  };
}
