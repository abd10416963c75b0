import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { EVERYTHING, NATIVE } from "./conditions.js";
import { ALWAYS, outputWith, WITH_SANITIZERS } from "./mistakes.js";

const SCRIPT = resolve(ROOT, "scripts/test-native.js");

/** The numbers of cases that npm run test:native reports as passed. */
async function passed(...args: string[]): Promise<number[]> {
  const { exitCode, stdout, stderr } = await runScript(SCRIPT, args);
  assert.equal(exitCode, 0, stderr + stdout);
  return [...stdout.matchAll(/^(\d+) cases passed$/gm)].map(([, count]) => Number(count));
}

test("the kernels match plain loops, for any number of threads", NATIVE, async (t) => {
  const [cases] = await passed();
  t.diagnostic(`${cases} cases passed`);
  assert.ok((cases as number) > 2000);
});

test("a word chooses cases", NATIVE, async () => {
  const [cases] = await passed("quota:");
  assert.ok((cases as number) > 10 && (cases as number) < 100, String(cases));
});

test("sanitizers find nothing", EVERYTHING, async (t) => {
  const cases = await passed("--sanitizers");
  t.diagnostic(`${cases.join(" and ")} cases passed`);
  assert.equal(cases.length, 2);
});

for (const [mistakes, condition] of [
  [ALWAYS, NATIVE],
  [WITH_SANITIZERS, EVERYTHING],
] as const) {
  for (const mistake of mistakes) {
    test(`the tests find ${mistake.name}`, condition, async (t) => {
      assert.match(await outputWith(mistake, temporaryFolder(t)), mistake.found);
    });
  }
}
