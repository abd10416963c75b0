import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "./runTests.js";
import { planted } from "./sites.js";

/** Assumed seconds of a test file of unknown duration, for the order. */
const GUESS = 20;

const toldFailing = new Set();

/** The tests that could cover a file, fastest first. */
function inOrder(file, { near, coverage }) {
  const secondsOf = (test) => coverage.known(test)?.seconds ?? GUESS;
  return near(file).sort((a, b) => secondsOf(a) - secondsOf(b));
}

/** Whether a test passes without a mutant and covers a place, and its duration. */
async function reaches(test, { file, at }, coverage) {
  const { failed, seconds, runs } = await coverage.of(test);
  if (failed !== undefined && !toldFailing.has(test)) {
    toldFailing.add(test);
    process.stderr.write(`${test} fails without a fault, too: ${failed}\n`);
  }
  return { isOfUse: failed === undefined && runs(file, at), seconds };
}

/**
 * The first test that kills a mutant, twice.
 * @param {string} copy where the mutant is written and undone
 * @param site the mutant
 * @param means `near` (reach.js), `coverage` (coverage.js) and the environment of the tests
 * @returns {Promise<{ by?: string, tried: string[] }>} the test, undefined if none fails, and the files tried
 */
export async function noticed(copy, site, { near, coverage, env }) {
  const path = join(copy, "dist", site.file);
  const text = readFileSync(path, "utf8");
  const tried = [];
  for (const test of inOrder(site.file, { near, coverage })) {
    const { isOfUse, seconds } = await reaches(test, site, coverage);
    if (!isOfUse) continue;
    const fails = () => runTests(copy, join("dist-test", test), { env, seconds: 60 + 5 * seconds });
    tried.push(test);
    writeFileSync(path, planted(text, site));
    const failed = await fails();
    const isSure = failed !== undefined && (await fails()) !== undefined;
    writeFileSync(path, text);
    if (isSure) return { by: `${test}: ${failed}`, tried };
  }
  return { by: undefined, tried };
}
