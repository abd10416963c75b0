import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** What an example says. */
async function saidBy(name: string, ...words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runScript(join(ROOT, "examples", name), words);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, "", "the library has no output of its own");
  return stdout;
}

test("examples/distilAndPlot.mjs distils by three methods and draws their curves", async (t) => {
  const folder = temporaryFolder(t);
  const said = await saidBy("distilAndPlot.mjs", folder);
  assert.match(said, /^teacher, epoch 1: .*\nteacher, epoch 2: .*\nkd: .*\nours: .*\ndkd: .*\n3 runs; /);
  const svg = readFileSync(join(folder, "curves.svg"), "utf8");
  for (const word of ["<svg", "kd", "ours", "dkd"]) assert.ok(svg.includes(word), word);
});

test("examples/stopAndGoOn.mjs stops by a signal, goes on, and meets an error with a sentence", async (t) => {
  const said = await saidBy("stopAndGoOn.mjs", temporaryFolder(t));
  assert.match(
    said,
    /^stopped: enough for today\ndone: 3 epochs, .*\nresnet8 on cifar100: 100 biases\nevaluated: .* of 50 images\nrefused \(2\): .*nowhere\.pth/,
  );
});

test("examples/ownStep.mjs compiles a step and runs it a hundred times", async () => {
  assert.match(await saidBy("ownStep.mjs"), /^x = 6\.11e-10, -4\.07e-10\n/);
});
