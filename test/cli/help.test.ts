import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { COMMANDS } from "#pefd/cli/commands.js";
import { commandHelp } from "#pefd/cli/invoke.js";
import { groupHelp, overview } from "#pefd/cli/main.js";
import { helpWidth } from "#pefd/cli/output.js";
import { METHODS } from "#pefd/distill/registry.js";
import { betweenMarkers, flagsReference, methodsCatalogue } from "../docs/reference.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { assertPinned as assertPinnedFile } from "../helpers/pinned.js";

/** Compares with test/cli/help/NAME.txt; UPDATE_HELP=1 writes it. */
const assertPinned = (name: string, text: string): void => assertPinnedFile(`cli/help/${name}.txt`, text);

/** Columns of a small window, the usual terminal, and what wider ones are laid out for. */
const WIDTHS = [60, 80, 100];
const USUAL = 80;

test("the overview is as pinned", () => assertPinned("pefd", overview(USUAL)));

for (const { name, load } of COMMANDS) {
  test(`help of pefd ${name} is as pinned`, async () => {
    assertPinned(name.replace(" ", "/"), commandHelp(name, (await load()).command, USUAL));
  });
}

for (const width of WIDTHS.filter((one) => one !== USUAL)) {
  test(`help of pefd distill, and the overview, are as pinned at ${width} columns`, async () => {
    const row = COMMANDS.find(({ name }) => name === "distill");
    assert.ok(row);
    const { command } = await row.load();
    assertPinned(`at${width}/distill`, commandHelp("distill", command, width));
    assertPinned(`at${width}/pefd`, overview(width));
  });
}

/** The words of a text in order, without what continues a command line. */
const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "\\");

for (const { name, load } of COMMANDS) {
  test(`help of pefd ${name} fits every terminal, with no word broken or lost`, async () => {
    const { command } = await load();
    const wide = commandHelp(name, command, 10_000);
    for (const width of WIDTHS) {
      const text = commandHelp(name, command, width);
      for (const line of text.split("\n")) assert.ok([...line].length <= width, line);
      assert.deepEqual(wordsOf(text), wordsOf(wide));
    }
  });
}

test("a terminal is asked for its width, and gets lines of 60 to 100 characters", () => {
  const at = (columns: number | undefined, other?: number, COLUMNS?: string) =>
    helpWidth({ stdout: { columns }, stderr: { columns: other }, env: { COLUMNS } });
  assert.deepEqual(
    [40, 60, 80, 100, 120, 200].map((columns) => at(columns)),
    [60, 60, 80, 100, 100, 100],
  );
  assert.deepEqual([at(undefined), at(undefined, 90), at(undefined, undefined, "70")], [80, 90, 70]);
  assert.equal(at(undefined, undefined, "wide"), 80);
});

test("help is told on stdout, whatever else was typed", async () => {
  const env = { COLUMNS: "80" };
  const [overall, own] = await Promise.all([
    pefd(["--help"], { env }),
    pefd(["distill", "--epochs", "x", "-h"], { env }),
  ]);
  assert.deepEqual([overall.exitCode, overall.stderr, overall.stdout], [0, "", `${overview(USUAL)}\n`]);
  assert.deepEqual([own.exitCode, own.stderr], [0, ""]);
  assert.match(own.stdout, /^Train a student[\s\S]*Usage: pefd distill \[options\]/);
});

/** Words by which people ask, and what they mean. */
const ASKED: readonly (readonly [typed: string, shown: () => Promise<string>])[] = [
  ["help", async () => overview(USUAL)],
  ["data --help", async () => groupHelp("data", USUAL)],
  ["help data", async () => groupHelp("data", USUAL)],
  ["config -h", async () => groupHelp("config", USUAL)],
  ["help distill", () => helpOf("distill")],
  ["help data fetch", () => helpOf("data fetch")],
];

async function helpOf(name: string): Promise<string> {
  const row = COMMANDS.find((command) => command.name === name);
  assert.ok(row);
  return commandHelp(name, (await row.load()).command, USUAL);
}

for (const [typed, shown] of ASKED) {
  test(`pefd ${typed} shows help`, async () => {
    const ended = await pefd(typed.split(" "), { env: { COLUMNS: "80" } });
    assert.deepEqual([ended.exitCode, ended.stderr, ended.stdout], [0, "", `${await shown()}\n`]);
  });
}

test("help of a command that is not there names the nearest one", async () => {
  const { exitCode, stderr } = await pefd(["help", "distil"]);
  assert.deepEqual([exitCode, /Did you mean distill\?/.test(stderr)], [2, true]);
});

test("--version, -V and version are the package's", async () => {
  const { version } = JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8"));
  for (const typed of ["--version", "-V", "version"]) {
    assert.equal((await pefd([typed])).stdout, `${version}\n`, typed);
  }
});

const STALE = "stale: run `npm run docs`";

test("docs/flags.md is what the table of options says", async () => {
  assert.equal(readFileSync(resolve(ROOT, "docs/flags.md"), "utf8"), await flagsReference(), STALE);
});

test("the catalogue of docs/methods.md is what the registry says, each method once", () => {
  const text = readFileSync(resolve(ROOT, "docs/methods.md"), "utf8");
  assert.equal(text, betweenMarkers(text, methodsCatalogue(), "methods"), STALE);
  for (const name of METHODS.names()) assert.equal(text.split(`\n### ${name}\n`).length, 2, name);
});

test("text between the markers is replaced, the rest kept", () => {
  const text = "a\n<!-- flags:start -->\nold\n<!-- flags:end -->\nb\n";
  const replaced = "a\n<!-- flags:start -->\nnew\n<!-- flags:end -->\nb\n";
  assert.equal(betweenMarkers(text, "new", "flags"), replaced);
  assert.equal(betweenMarkers(text, "new", "methods"), text);
  assert.equal(betweenMarkers("no markers", "new", "flags"), "no markers");
});
