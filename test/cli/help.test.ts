import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { COMMANDS } from "#pefd/cli/commands.js";
import { commandHelp } from "#pefd/cli/help.js";
import { overview } from "#pefd/cli/overview.js";
import { methodsCatalogue } from "#pefd/cli/reference/methods.js";
import { betweenMarkers, flagsReference } from "#pefd/cli/reference/options.js";
import { METHODS } from "#pefd/distill/registry.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";

/** Compares with test/cli/help/NAME.txt; UPDATE_HELP=1 writes it. */
function assertPinned(name: string, text: string): void {
  const file = resolve(ROOT, "test/cli/help", `${name}.txt`);
  mkdirSync(dirname(file), { recursive: true });
  if (process.env.UPDATE_HELP === "1") writeFileSync(file, `${text}\n`);
  assert.ok(existsSync(file), `${file} is missing: UPDATE_HELP=1 npm test writes it`);
  assert.equal(`${text}\n`, readFileSync(file, "utf8"));
}

test("the overview is as pinned", () => assertPinned("pefd", overview()));

for (const { name, load } of COMMANDS) {
  test(`help of pefd ${name} is as pinned`, async () => {
    assertPinned(name.replace(" ", "/"), await commandHelp(name, (await load()).command));
  });
}

test("help is told on stdout, whatever else was typed", async () => {
  const [overall, own] = await Promise.all([
    pefd(["--help"]),
    pefd(["distill", "--epochs", "x", "-h"]),
  ]);
  assert.deepEqual([overall.exitCode, overall.stderr, overall.stdout], [0, "", `${overview()}\n`]);
  assert.deepEqual([own.exitCode, own.stderr], [0, ""]);
  assert.match(own.stdout, /^pefd distill \[options\]/);
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8"));
  assert.equal((await pefd(["--version"])).stdout, `${version}\n`);
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
