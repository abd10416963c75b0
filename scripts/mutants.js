import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeCopy } from "./mutants/copy.js";
import { coverageOf } from "./mutants/coverage.js";
import { noticed } from "./mutants/notice.js";
import { reachOf } from "./mutants/reach.js";
import { openResults } from "./mutants/results.js";
import { allSites, drawn } from "./mutants/sample.js";
import { nativeVariables } from "./setup/environment.js";
import { ROOT } from "./setup/setup.js";

/**
 * Mutation testing of the compiled product: one mutant at a time, with the tests of its folder that cover it:
 * node scripts/mutants.js --results FILE [--count N] [--seed S] [--only FOLDER] [--minutes M] [--part K/N]
 * [--again]. A mutant in src/FOLDER is killed if a test below test/FOLDER fails twice with it and passes without it; tests
 * of other folders do not count. A later call with the same file goes on; --again retries survivors; --part 1/2 and
 * --part 2/2 share the work. The project and its tests must be compiled (npm test does it).
 */
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    part: { type: "string", default: "1/1" },
    results: { type: "string" },
    only: { type: "string", default: "" },
    again: { type: "boolean", default: false },
  },
});
if (values.results === undefined) {
  process.stderr.write("Name a file for the results: node scripts/mutants.js --results FILE\n");
  process.exit(2);
}

const say = (text) => process.stderr.write(`${text}\n`);

const [part, parts] = values.part.split("/").map(Number);
const sites = allSites(ROOT);
const chosen = (await drawn(sites, Number(values.count), Number(values.seed))).filter(({ file }) =>
  file.startsWith(values.only),
);
const results = openResults(values.results);
const end = Date.now() + 60_000 * Number(values.minutes);
const env = { ...process.env, ...(await nativeVariables()) };
const copy = makeCopy(ROOT);
const near = reachOf(ROOT);
const coverage = coverageOf(copy, { env, path: `${values.results}.coverage` });
for (const site of chosen.filter((_, i) => i % parts === part - 1)) {
  const result = results.of(site);
  if (Date.now() > end || (result !== undefined && (result.found || !values.again))) continue;
  const start = Date.now();
  const { by, tried } = await noticed(copy, site, { near, coverage, env });
  results.keep({ ...site, found: by !== undefined, by, tried });
  const word = by === undefined ? `SURVIVED ${tried.length} test files` : "found";
  const spent = ((Date.now() - start) / 1000).toFixed(0);
  say(`${word}: ${site.file}:${site.line} ${site.from.trim()} -> ${site.to.trim()} (${spent} s)`);
}
rmSync(copy, { recursive: true });

const judged = chosen.map((site) => results.of(site)).filter(Boolean);
const survived = judged.filter((result) => !result.found);
for (const { file, line, from, to } of survived) {
  process.stdout.write(`${file}:${line}: ${from.trim()} -> ${to.trim()}\n`);
}
const found = judged.length - survived.length;
process.stdout.write(
  `${sites.length} places; ${judged.length} of ${chosen.length} faults tried, ${found} found (${((100 * found) / (judged.length || 1)).toFixed(1)} %)\n`,
);
