import assert from "node:assert/strict";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { GOLDEN, ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

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

test("golden.js runs in a copy that has what everything compiles to, and neither sources nor a lock file", async (t) => {
  const copy = temporaryFolder(t);
  for (const folder of ["scripts", "bin"]) cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
  for (const name of ["dist", "dist-test", "node_modules", "configs"]) symlinkSync(join(ROOT, name), join(copy, name));
  cpSync(join(ROOT, "package.json"), join(copy, "package.json"));
  const { exitCode, stdout, stderr } = await runScript(join(copy, "scripts/golden.js"), [file("schedule.json")]);
  assert.match(stdout, /^schedule .* {2}ok\n$/, stderr);
  assert.equal(exitCode, 0);
});

test("npm run golden --markdown renews the cells of what it has measured in the table of a document", async (t) => {
  const folder = temporaryFolder(t);
  const document = join(folder, "exactness.md");
  const kept = "| models/vgg8 | 0.5 | FAILED: 3.0 | 0.25 (2) | 2026-01-31 |";
  const table = `<!-- golden: begin -->\n| file | a |\n| --- | --- |\n${kept}\n<!-- golden: end -->`;
  writeFileSync(document, `Before.\n\n${table}\nBehind.\n`);
  const run = (engine: string) =>
    golden(file("schedule.json"), file("losses.json"), "--markdown", document, "--engine", engine);
  assert.equal((await run("eager")).exitCode, 0);
  assert.equal((await run("graph")).exitCode, 0);
  const lines = readFileSync(document, "utf8").split("\n");
  assert.deepEqual([lines[0], lines.at(-2)], ["Before.", "Behind."]);
  const rows = lines.filter((line) => line.startsWith("| "));
  assert.match(rows[0] as string, /^\| file \| eager \| graph \| xla \| measured \|$/);
  assert.match(rows[2] as string, /^\| losses \| 0\.\d+ \| 0\.\d+ \| {2}\| \d{4}-\d\d-\d\d \|$/);
  assert.equal(rows[3], kept);
  assert.match(rows[4] as string, /^\| schedule \| 0\.0 \| 0\.0 \| {2}\| /);
});

test("npm run golden --markdown refuses a document without a place for the table before it measures", async (t) => {
  const document = join(temporaryFolder(t), "exactness.md");
  writeFileSync(document, "Nothing.\n");
  for (const path of [document, `${document}.missing`]) {
    const { exitCode, stdout, stderr } = await golden(file("losses.json"), "--markdown", path);
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, /has no lines <!-- golden: begin -->|cannot be read/);
  }
  assert.equal(readFileSync(document, "utf8"), "Nothing.\n");
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
