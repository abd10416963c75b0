import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

const { judgeSizes } = (await import(
  pathToFileURL(join(ROOT, "scripts/fences/sizes.js")).href
)) as { judgeSizes(files: ReadonlyMap<string, string>): string[] };

/** So many files at one level of a folder. */
const level = (folder: string, count: number): [string, string][] =>
  Array.from({ length: count }, (_, i) => [`${folder}/${i}.ts`, ""]);

const judge = (...files: [string, string][]) => judgeSizes(new Map(files));

describe("sizes of folders and files", () => {
  it("lets a folder have 20 files at one level, and others in folders of its own", () => {
    assert.deepEqual(judge(...level("src/a", 20), ...level("src/a/b", 20)), []);
  });

  it("refuses a 21st, of whatever kind", () => {
    const files = judge(...level("test/a", 20), ["test/a/numbers.json", "{}"]);
    assert.deepEqual(files.length, 1);
    assert.match(files.join(), /^test\/a: 21 files at one level/);
  });

  it("refuses a source file of 301 lines, whether or not its last line ends", () => {
    assert.deepEqual(judge(["src/a.ts", "x\n".repeat(300)]), []);
    assert.match(judge(["src/a.ts", "x\n".repeat(301)]).join(), /^src\/a\.ts: 301 lines/);
    assert.match(judge(["src/a.cc", `${"x\n".repeat(300)}x`]).join(), /^src\/a\.cc: 301 lines/);
    assert.deepEqual(judge(["test/golden/a.json", "1\n".repeat(500)]), []);
  });
});
