import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

const { judgeSizes } = (await import(pathToFileURL(join(ROOT, "scripts/fences/sizes.js")).href)) as {
  judgeSizes(files: ReadonlyMap<string, string>): string[];
};

const judge = (path: string, text: string) => judgeSizes(new Map([[path, text]]));

describe("lengths of files", () => {
  it("refuses a source file of 601 lines, whether or not its last line ends", () => {
    assert.deepEqual(judge("src/a.ts", "x\n".repeat(600)), []);
    assert.match(judge("src/a.ts", "x\n".repeat(601)).join(), /^src\/a\.ts: 601 lines/);
    assert.match(judge("src/a.cc", `${"x\n".repeat(600)}x`).join(), /^src\/a\.cc: 601 lines/);
    assert.deepEqual(judge("test/golden/a.json", "1\n".repeat(800)), []);
  });
});
