import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

const { judgeWords } = (await import(pathToFileURL(join(ROOT, "scripts/fences/words.js")).href)) as {
  judgeWords(files: ReadonlyMap<string, string>): string[];
};

const judge = (text: string) => judgeWords(new Map([["src/a.ts", text]]));

describe("old words", () => {
  it("are refused with file and line, whatever their case", () => {
    assert.deepEqual(judge("int16\nVersion 3 of the numbers\nrestVelocities()"), [
      'src/a.ts:2: "Version 3 of the numbers" is not the field\'s word',
      'src/a.ts:3: "restVelocities" is not the field\'s word',
    ]);
  });

  it("are refused where they are broken over two lines, in comments as well", () => {
    assert.equal(judge("units for\nmatrices").length, 1);
    assert.equal(judge("/**\n * a unit\n * for matrices\n */").length, 1);
    assert.equal(judge("// nearest\n// cache").length, 1);
  });

  it("do not include the field's words", () => {
    assert.deepEqual(judge("AMX, int16, L1, docs/adr/0026-bfloat16-activations.md"), []);
  });
});
