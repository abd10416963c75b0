import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { GOLDEN, ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";

const golden = (...args: string[]) => runScript(resolve(ROOT, "scripts/golden.js"), args);
const file = (name: string): string => resolve(GOLDEN, name);

test("npm run golden prints one line per file and nothing else on stdout", async () => {
  const { exitCode, stdout } = await golden(file("schedule.json"), file("losses.json"));
  assert.match(stdout, /^schedule .* {2}ok\nlosses .* {2}ok\n$/);
  assert.equal(exitCode, 0);
});

test("npm run golden goes on after a file that it cannot read, and exits with 2", async () => {
  const { exitCode, stdout } = await golden(file("nothing.json"), file("schedule.json"));
  assert.match(stdout, /^\S*nothing\.json cannot be read.*FAILED\nschedule .* {2}ok\n$/);
  assert.equal(exitCode, 2);
});

test("npm run golden refuses wrong usage in a sentence", async () => {
  const usages: [args: string[], says: RegExp][] = [
    [[], /Which files\?/],
    [[file("schedule.json"), "--engine", "steam"], /no engine steam/],
    [["--colour"], /--colour/],
  ];
  for (const [args, says] of usages) {
    const { exitCode, stdout, stderr } = await golden(...args);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, / {4}at /);
    assert.deepEqual([exitCode, stdout], [2, ""]);
  }
});
