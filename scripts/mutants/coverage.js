import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow } from "./reach.js";
import { runTests } from "./runTests.js";

/**
 * What test files run of the product where nothing is planted: a test that never runs a place cannot notice a fault there,
 * and need not be tried. Programs that a test kills tell nothing: what only they run counts as not run, so that a fault
 * may count as missed that would have been noticed, never the other way round.
 */

/** Seconds for a test file of which it is not known yet how long it takes. */
const UNKNOWN = 1500;

/** Of one file, by V8's ranges, outer before inner: 1 for each character that was run. */
function mark(executed, functions) {
  const own = new Uint8Array(executed.length);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      own.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
  }
  for (let i = 0; i < own.length; i++) executed[i] |= own[i];
}

/** [start, end] of the stretches that were run. */
function stretches(executed) {
  const found = [];
  for (let i = 0; i < executed.length; i++) {
    if (executed[i] && !executed[i - 1]) found.push([i, i]);
    if (executed[i]) found[found.length - 1][1] = i + 1;
  }
  return found;
}

/** For each file of the product: the stretches that the processes of a folder of V8's reports have run. */
function executedIn(folder, copy) {
  const [base, all] = [`${pathToFileURL(join(copy, "dist"))}/`, new Map()];
  for (const name of readdirSync(folder).filter((file) => file.startsWith("coverage-"))) {
    const text = readFileSync(join(folder, name), "utf8");
    const scripts = text === "" ? [] : JSON.parse(text).result;
    for (const { url, functions } of scripts.filter((script) => script.url.startsWith(base))) {
      const file = url.slice(base.length).split("?")[0];
      const size = statSync(join(copy, "dist", file)).size;
      if (!all.has(file)) all.set(file, new Uint8Array(size));
      mark(all.get(file), functions);
    }
  }
  return Object.fromEntries([...all].map(([file, executed]) => [file, stretches(executed)]));
}

const digest = (...texts) => texts.reduce((sum, text) => sum.update(text), createHash("sha256"));

/** Of the product and of a compiled test: what was learnt of it is of no use where either is another. */
const identityOf = (copy) => {
  const files = filesBelow(join(copy, "dist")).sort();
  const product = digest(...files.map((file) => readFileSync(join(copy, "dist", file))));
  return (test) =>
    product
      .copy()
      .update(readFileSync(join(copy, "dist-test", test)))
      .digest("hex");
};

function earlier(path) {
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map((known) => [known.identity, known]));
}

async function measured(copy, test, env) {
  const folder = mkdtempSync(join(tmpdir(), "pefd-coverage-"));
  const start = Date.now();
  const settings = { env: { ...env, NODE_V8_COVERAGE: folder }, seconds: UNKNOWN };
  const failed = await runTests(copy, join("dist-test", test), settings);
  const seconds = (Date.now() - start) / 1000;
  const executed = failed === undefined ? executedIn(folder, copy) : {};
  rmSync(folder, { recursive: true });
  return { test, failed, seconds, executed };
}

/**
 * `of(test)`: what a test file does without a fault: `failed`, the name of a test that fails even so; `seconds`; and
 * `runs(file, at)`, whether it runs that place. `known(test)`: the same where it is known already, else undefined; it is
 * kept in a file, as JSON lines.
 */
export function coverageOf(copy, { env, path }) {
  const identity = identityOf(copy);
  let kept = earlier(path);
  const known = (test) => kept.get(identity(test));
  async function of(test) {
    // Another call may have found it out meanwhile.
    if (known(test) === undefined) kept = earlier(path);
    if (known(test) === undefined) {
      const found = { identity: identity(test), ...(await measured(copy, test, env)) };
      kept.set(found.identity, found);
      appendFileSync(path, `${JSON.stringify(found)}\n`);
    }
    const { failed, seconds, executed } = known(test);
    const runs = (file, at) => (executed[file] ?? []).some(([start, end]) => start <= at && at < end);
    return { failed, seconds, runs };
  }
  return { known, of };
}
