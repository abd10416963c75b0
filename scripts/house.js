// Prints how large src is, how many files a newcomer opens, and what is left of the project's own words, each with its aim;
// exits with 1 where an aim is missed.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { judgeWords } from "./fences/words.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => readFileSync(`${ROOT}/${path}`, "utf8");

/** Text of the tracked files below some paths. */
function tracked(...paths) {
  const listed = execFileSync("git", ["ls-files", "-z", "--", ...paths], { cwd: ROOT, encoding: "utf8" });
  const names = listed.split("\0").filter((name) => name !== "" && existsSync(`${ROOT}/${name}`));
  return new Map(names.map((name) => [name, read(name)]));
}

const countIn = (files, pattern) =>
  [...files.values()].reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);

/** The part of a document below a heading, down to the next one of any level. */
function below(document, heading) {
  const [, part] = read(document).split(`\n${heading}\n`);
  if (part === undefined) throw new Error(`${document} has no heading "${heading}"`);
  return part.split(/\n#+ /)[0];
}

/** Files in the numbered list of a part: the first name in backquotes of each item. */
const listedFiles = (part) => [...part.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, path]) => path);

const WALKS = [
  ["### Walk A: from `-b 25` to the projector's update", 28],
  ["### Walk B: from a JPEG to a tensor", 22],
  ["### Walk C: from a finished epoch to its row and the page", 20],
];

const missing = [];

/** How many files a walk names. */
function walkLength(heading) {
  const files = new Set(listedFiles(below("docs/architecture.md", heading)));
  missing.push(...[...files].filter((path) => !existsSync(`${ROOT}/src/${path}`)));
  return files.size;
}

/** How many files the recipe of a native op writes or changes; those that it changes must be there. */
function opPlaces() {
  const blocks = [...below("CONTRIBUTING.md", "### A kernel in C++").matchAll(/^```(cpp|ts|diff) (\S+)$/gm)];
  const changed = blocks.filter(([, kind]) => kind === "diff").map(([, , path]) => path);
  missing.push(...changed.filter((path) => !existsSync(`${ROOT}/${path}`)));
  return new Set(blocks.map(([, , path]) => path)).size;
}

const src = tracked("src");
const measures = [
  ["lines of src", countIn(src, /\n/g), 55_000],
  ["files of src", src.size, 480],
  ...WALKS.map(([heading, aim]) => [`files of ${heading.slice(4, 10).toLowerCase()}`, walkLength(heading), aim]),
  ["places that a native op touches", opPlaces(), 6],
  ["literals spread for the formatter", countIn(tracked("src", "test"), /^\s*\.\.\.\{ /gm), 0],
  ["old words", judgeWords(tracked("src", "docs", "README.md", "CONTRIBUTING.md")).length, 0],
];

for (const [name, value, aim] of measures) console.log(`${name}: ${value} (${aim})`);
for (const path of missing) console.error(`A document names ${path}, which is not there.`);
if (missing.length > 0 || measures.some(([, value, aim]) => value > aim)) process.exitCode = 1;
