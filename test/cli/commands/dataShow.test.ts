import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DATASETS } from "#pefd/data/registry.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** Words that are told with a picture, and how often. */
const count = (text: string, words: RegExp): number => text.match(words)?.length ?? 0;

for (const { name, synthesize } of DATASETS.rows()) {
  test(`${name}: a contact sheet of both halves, the same bytes for the same images`, async (t) => {
    if (synthesize === undefined) return t.skip(`there are no synthetic images for ${name}`);
    const cwd = temporaryFolder(t);
    await synthesize(join(cwd, "images"), { train: 6, test: 3, seed: 2, classes: 3 });
    const words = ["data", "show", "images", "--dataset", name, "--images", "3", "--epoch", "1,4"];
    const { exitCode, stdout, stderr } = await pefd([...words, "--html", "a.html", "--svg", "a.svg"], { cwd });
    assert.deepEqual([exitCode, stdout, stderr], [0, "Written: a.svg, a.html\n", ""]);
    const read = (file: string) => readFileSync(join(cwd, file), "utf8");
    // Three images of training as they are and in two epochs, three of testing as they are and evaluated.
    assert.equal(count(read("a.html"), /<img /g), 3 * 3 + 3 * 2);
    assert.equal(count(read("a.svg"), /<image /g), 3 * 3 + 3 * 2);
    const names = await DATASETS.row(name).classNames(join(cwd, "images"));
    assert.equal(names.filter((each) => read("a.html").includes(`>${each}<`)).length, 3);
    await pefd([...words, "--html", "b.html", "--svg", "b.svg"], { cwd });
    assert.equal(read("b.html"), read("a.html"));
    assert.equal(read("b.svg"), read("a.svg"));
    const other = await pefd([...words, "--trial", "2", "--html", "c.html", "--json"], { cwd });
    assert.notEqual(read("c.html"), read("a.html"));
    assert.equal(JSON.parse(other.stdout).shown.length, 6);
  });
}

test("a sheet needs a file to go to, and one folder", async (t) => {
  const cwd = temporaryFolder(t);
  const nowhere = await pefd(["data", "show", "images"], { cwd });
  assert.equal(nowhere.exitCode, 2);
  assert.match(nowhere.stderr, /--html FILE or --svg FILE/);
  const both = await pefd(["data", "show", "a", "--data", "b", "--svg", "x.svg"], { cwd });
  assert.equal(both.exitCode, 2);
  assert.match(both.stderr, /Both the folder a and --data b are given/);
  const missing = await pefd(["data", "show", "a", "--svg", "x.svg"], { cwd });
  assert.equal(missing.exitCode, 2);
  assert.ok(!existsSync(join(cwd, "x.svg")));
});
