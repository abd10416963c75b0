import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { filesBelow, reachOf } from "./mutants/reach.js";
import { runTests } from "./mutants/runTests.js";
import { lineOf, planted, sitesIn } from "./mutants/sites.js";
import { nativeVariables } from "./setup/environment.js";
import { ROOT } from "./setup/setup.js";

/**
 * Plants small faults in the compiled product, one at a time, and runs the tests of the fault's folder that can reach
 * it, the nearest first: node scripts/mutants.js --results FILE [--count N] [--seed S] [--minutes M] [--only FOLDER]
 * [--again]. A later call with the same file goes on; with --again it tries those that survived once more. The project
 * and its tests must be compiled (npm test does it).
 */
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    results: { type: "string" },
    only: { type: "string", default: "" },
    again: { type: "boolean", default: false },
  },
});

const { createRandom } = await import("../dist/common/random.js");

/** Seconds for a test file of which it is not known yet how long it takes. */
const UNKNOWN = 180;

const testsNear = reachOf(ROOT);

/** Every fault that could be planted where there are tests beside it. */
function allSites() {
  const files = filesBelow(join(ROOT, "dist")).sort();
  return files.flatMap((file) => {
    if (testsNear(file).length === 0) return [];
    const text = readFileSync(join(ROOT, "dist", file), "utf8");
    return sitesIn(text).map((site) => ({ file, line: lineOf(text, site.at), ...site }));
  });
}

function drawn(sites, count, seed) {
  const random = createRandom(seed, "mutants");
  const order = Int32Array.from(sites.keys());
  random.shuffle(order);
  return Array.from(order.subarray(0, count), (index) => sites[index]);
}

/** A copy of what tests need, so that the checkout stays as it is. */
function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), "pefd-mutants-"));
  for (const name of ["dist", "dist-test", "bin", "configs", "scripts", "package.json"]) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  for (const name of ["test", "node_modules", "src", "README.md", "docs", ".ci"]) {
    symlinkSync(join(ROOT, name), join(copy, name));
  }
  return copy;
}

const keyOf = ({ file, line, from, to, at }) => [file, line, at, from, to].join(":");

function earlierResults(path) {
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, "utf8").trim().split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map((result) => [keyOf(result), result]));
}

const say = (text) => process.stderr.write(`${text}\n`);

/** Test files as they are without a fault: how long they take, and whether they pass at all. */
const known = new Map();

async function timed(copy, test, env, seconds) {
  const start = Date.now();
  const failed = await runTests(copy, test, { env, seconds });
  return { failed, seconds: (Date.now() - start) / 1000 };
}

/** Whether a test file passes, and soon enough, where nothing is planted. */
async function passesAlone(copy, test, env, seconds) {
  if (!known.get(test)?.isSure) {
    const { failed, seconds: spent } = await timed(copy, test, env, seconds);
    known.set(test, { isSure: true, passes: failed === undefined, seconds: spent });
    if (failed !== undefined) say(`${test} fails without a fault, too: ${failed}`);
  }
  return known.get(test).passes;
}

/** The first test that notices a fault, undefined where none does. */
async function noticed(copy, { file, text, site }, env) {
  const path = join(copy, "dist", file);
  for (const test of testsNear(file)) {
    if (known.get(test)?.passes === false) continue;
    const limit = known.has(test) ? 30 + 5 * known.get(test).seconds : UNKNOWN;
    writeFileSync(path, planted(text, site));
    const { failed, seconds } = await timed(copy, test, env, limit);
    writeFileSync(path, text);
    if (failed === undefined && !known.has(test)) known.set(test, { passes: true, seconds });
    if (failed !== undefined && (await passesAlone(copy, test, env, limit)))
      return `${test.slice("dist-test/".length)}: ${failed}`;
  }
  return undefined;
}

const sites = allSites();
const chosen = drawn(sites, Number(values.count), Number(values.seed)).filter(({ file }) =>
  file.startsWith(values.only),
);
const results = earlierResults(values.results);
const isDone = (site) => {
  const result = results.get(keyOf(site));
  return result !== undefined && (result.found || !values.again);
};
const end = Date.now() + 60_000 * Number(values.minutes);
const env = { ...process.env, ...(await nativeVariables()) };
const copy = makeCopy();
mkdirSync(dirname(values.results), { recursive: true });
for (const site of chosen) {
  if (isDone(site) || Date.now() > end) continue;
  const start = Date.now();
  const text = readFileSync(join(copy, "dist", site.file), "utf8");
  const by = await noticed(copy, { file: site.file, text, site }, env);
  const result = { ...site, found: by !== undefined, by };
  results.set(keyOf(site), result);
  appendFileSync(values.results, `${JSON.stringify(result)}\n`);
  const spent = ((Date.now() - start) / 1000).toFixed(0);
  const word = result.found ? "found" : "SURVIVED";
  say(`${word} ${site.file}:${site.line} ${site.from.trim()} -> ${site.to.trim()} (${spent} s)`);
}
rmSync(copy, { recursive: true });

const judged = chosen.map((site) => results.get(keyOf(site))).filter(Boolean);
const survived = judged.filter((result) => !result.found);
for (const { file, line, from, to } of survived) {
  process.stdout.write(`${file}:${line}: ${from.trim()} -> ${to.trim()}\n`);
}
const found = judged.length - survived.length;
process.stdout.write(
  `${sites.length} places; ${judged.length} of ${chosen.length} faults tried, ${found} found (${((100 * found) / judged.length).toFixed(1)} %)\n`,
);
