import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow } from "./reach.js";
import { runTests } from "./runTests.js";

/**
 * Coverage of the product by test files, without a mutant: a test that does not cover a place need not be run. Programs
 * that a test kills report no coverage, so a mutant may wrongly count as survived, never as killed.
 */

/** Timeout in seconds of a test file of unknown duration. */
const UNKNOWN = 1500;

/** 1 for each covered character of a file, from V8's ranges, outer before inner. */
function mark(executed, functions) {
  const own = new Uint8Array(executed.length);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      own.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
  }
  for (let i = 0; i < own.length; i++) executed[i] |= own[i];
}

/** [start, end] of the covered ranges. */
function stretches(executed) {
  const found = [];
  for (let i = 0; i < executed.length; i++) {
    if (executed[i] && !executed[i - 1]) found.push([i, i]);
    if (executed[i]) found[found.length - 1][1] = i + 1;
  }
  return found;
}

/** The covered ranges of each file of the product, from a folder of V8 reports. */
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

/** A digest of the product and of a compiled test: the cache key of its coverage. */
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
 * `of(test)`: a test file without a mutant: `failed`, the name of a test that fails; `seconds`; and `runs(file, at)`,
 * whether it covers that place. `known(test)`: the same if cached, else undefined. The cache is a file of JSON lines.
 */
export function coverageOf(copy, { env, path }) {
  const identity = identityOf(copy);
  let kept = earlier(path);
  const known = (test) => kept.get(identity(test));
  async function of(test) {
    // Another call may have cached it meanwhile.
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
