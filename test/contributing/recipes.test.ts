import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { manyCases, withMany } from "../helpers/matrices.js";
import { recipes, withRows } from "./recipe.js";
import { type Scratch, scratchCopy } from "./scratch.js";

async function worksIn(scratch: Scratch, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const { exitCode, stdout, stderr } = await scratch.type(line);
    assert.equal(exitCode, 0, `${line}\n${stdout}\n${stderr}`);
    assert.notEqual(stdout + stderr, "", line);
  }
}

/** Each in a copy of its own, or all in one, which takes a build alone. */
const COPIES = manyCases ? recipes().map((recipe) => [recipe]) : [recipes()];

describe("what CONTRIBUTING.md says of adding something works in a copy of the tree", () => {
  for (const made of COPIES) {
    it(made.map(({ title }) => title).join(", "), async (t) => {
      const scratch = scratchCopy(t);
      for (const recipe of made) scratch.apply(recipe);
      const built = await scratch.build();
      assert.equal(built.exitCode, 0, built.stdout + built.stderr);
      const fences = await scratch.fences();
      assert.equal(fences.exitCode, 0, fences.stderr);
      for (const { commands } of made) await worksIn(scratch, commands);
      await t.test("runs", { skip: withMany }, async () => {
        for (const { slowCommands } of made) await worksIn(scratch, slowCommands);
      });
    });
  }
});

test("a model, a method and a data set are one file and one row each", () => {
  const lines = (text: string) => text.split("\n").filter((line) => line.startsWith("+"));
  const of = (title: string) => recipes().filter((recipe) => recipe.title === title);
  for (const { title, files, rows } of ["A model", "A method", "A data set"].flatMap(of)) {
    assert.equal(files.length, 1, title);
    assert.equal(rows.length, 1, title);
    const [imported, row, ...more] = lines(rows[0]?.text ?? "");
    assert.match(imported ?? "", /^\+import /);
    assert.match(row ?? "", /^\+ {2}\w+,$/);
    assert.deepEqual(more, [], title);
  }
});

test("lines go in behind the one that they follow, and one that is not there is said", () => {
  assert.equal(withRows("a\nb\nc\nb", " b\n+new\n b\n+end\n"), "a\nb\nnew\nc\nb\nend");
  assert.equal(withRows("a\nb\nc", " a\n-b\n+d\n"), "a\nd\nc");
  assert.throws(() => withRows("a\nb", " b\n a\n"), /no line "a"/);
});
