import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { runTests } from "./mutants/runTests.js";
import { lineOf, planted, sitesIn } from "./mutants/sites.js";
import { nativeVariables } from "./setup/environment.js";
import { ROOT } from "./setup/setup.js";

/**
 * Plants small faults in the compiled product, one at a time, and runs the tests of the fault's folder: node
 * scripts/mutants.js --results FILE [--count N] [--seed S] [--minutes M] [--only FOLDER]. A later call with the same
 * file goes on. The project and its tests must be compiled (npm test does it).
 */
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    results: { type: "string" },
    only: { type: "string", default: "" },
  },
});

const { createRandom } = await import("../dist/common/random.js");

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));

/** The tests of a folder of the product: those of the folder of its name. */
function testsOf(folder) {
  const place = join(ROOT, "dist-test", folder);
  if (!existsSync(place)) return [];
  return filesBelow(place)
    .filter((file) => file.endsWith(".test.js"))
    .map((file) => join("dist-test", folder, file));
}

/** Every fault that could be planted where there are tests beside it. */
function allSites() {
  const files = filesBelow(join(ROOT, "dist")).sort();
  return files.flatMap((file) => {
    const folder = file.split("/")[0];
    if (testsOf(folder).length === 0) return [];
    const text = readFileSync(join(ROOT, "dist", file), "utf8");
    return sitesIn(text).map((site) => ({ file, folder, line: lineOf(text, site.at), ...site }));
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
  mkdirSync(join(copy, "test"));
  for (const name of ["test/golden", "test/cli", "node_modules", "src", "README.md", "docs"]) {
    symlinkSync(join(ROOT, name), join(copy, name));
  }
  return copy;
}

const keyOf = ({ file, at, to }) => `${file}:${at}:${to}`;

function earlierResults(path) {
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, "utf8").trim().split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map((result) => [keyOf(result), result]));
}

const say = (text) => process.stderr.write(`${text}\n`);

/** Folders whose tests do not pass, or take how long, without any fault. */
const baselines = new Map();

async function baseline(copy, folder, env) {
  if (!baselines.has(folder)) {
    const start = Date.now();
    const failed = await runTests(copy, testsOf(folder), { env, seconds: 1200 });
    baselines.set(folder, { failed, seconds: (Date.now() - start) / 1000 });
    say(`${folder}: ${failed ?? "passes"} in ${baselines.get(folder).seconds.toFixed(0)} s`);
  }
  return baselines.get(folder);
}

async function tryOne(copy, site, env) {
  const { failed, seconds } = await baseline(copy, site.folder, env);
  if (failed !== undefined) return { ...site, found: undefined, by: `without a fault: ${failed}` };
  const path = join(copy, "dist", site.file);
  const text = readFileSync(path, "utf8");
  try {
    writeFileSync(path, planted(text, site));
    const by = await runTests(copy, testsOf(site.folder), { env, seconds: 60 + 3 * seconds });
    return { ...site, found: by !== undefined, by };
  } finally {
    writeFileSync(path, text);
  }
}

const sites = allSites();
const chosen = drawn(sites, Number(values.count), Number(values.seed)).filter(({ file }) =>
  file.startsWith(values.only),
);
const results = earlierResults(values.results);
const end = Date.now() + 60_000 * Number(values.minutes);
const env = { ...process.env, ...(await nativeVariables()) };
const copy = makeCopy();
mkdirSync(dirname(values.results), { recursive: true });
// Faults of one folder follow each other, so that what its tests need stays warm.
for (const site of [...chosen].sort((a, b) => (a.folder < b.folder ? -1 : 1))) {
  if (results.has(keyOf(site)) || Date.now() > end) continue;
  const result = await tryOne(copy, site, env);
  results.set(keyOf(site), result);
  appendFileSync(values.results, `${JSON.stringify(result)}\n`);
  const word = result.found === undefined ? "skipped" : result.found ? "found" : "SURVIVED";
  say(`${word} ${site.file}:${site.line} ${site.from.trim()} -> ${site.to.trim()}`);
}
rmSync(copy, { recursive: true });

const judged = chosen.map((site) => results.get(keyOf(site))).filter(Boolean);
const found = judged.filter((result) => result.found === true).length;
const survived = judged.filter((result) => result.found === false);
for (const { file, line, from, to } of survived) {
  process.stdout.write(`${file}:${line}: ${from.trim()} -> ${to.trim()}\n`);
}
const tried = found + survived.length;
process.stdout.write(
  `${sites.length} places; ${tried} of ${chosen.length} faults tried, ${found} found (${((100 * found) / tried).toFixed(1)} %)\n`,
);
