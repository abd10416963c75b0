import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { build, isBuilt, PRODUCT } from "./scripts.js";

/** A small project with two files, compiled by the real compiler. */
async function inProject(work: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "pefd-build-"));
  try {
    mkdirSync(join(root, "src/deep"), { recursive: true });
    copyFileSync(join(ROOT, "tsconfig.json"), join(root, "tsconfig.json"));
    writeFileSync(join(root, "package.json"), '{ "type": "module" }');
    writeFileSync(join(root, "src/one.ts"), "export const one: number = 1;\n");
    writeFileSync(join(root, "src/deep/two.ts"), "export const two: number = 2;\n");
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("a build is done once, and again when a source changes", () =>
  inProject(async (root) => {
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    assert.equal(isBuilt(root, PRODUCT), true);
    appendFileSync(join(root, "src/deep/two.ts"), "export const three = 3;\n");
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    assert.match(readFileSync(join(root, "dist/deep/two.js"), "utf8"), /three = 3/);
    assert.equal(isBuilt(root, PRODUCT), true);
  }));

test("compiled files whose source is gone are deleted", () =>
  inProject(async (root) => {
    await build(root, PRODUCT);
    rmSync(join(root, "src/one.ts"));
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    for (const ending of ["js", "d.ts", "js.map"]) {
      assert.equal(existsSync(join(root, `dist/one.${ending}`)), false, ending);
    }
    assert.equal(existsSync(join(root, "dist/deep/two.js")), true);
  }));

test("JavaScript among the sources, which stands in a page as it is, is kept and counts", () =>
  inProject(async (root) => {
    const [source, output] = [join(root, "src/deep/page.js"), join(root, "dist/deep/page.js")];
    writeFileSync(source, "document.title = 'one';\n");
    await build(root, PRODUCT);
    assert.match(readFileSync(output, "utf8"), /'one'/);
    writeFileSync(source, "document.title = 'two';\n");
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    assert.match(readFileSync(output, "utf8"), /'two'/);
    rmSync(output);
    assert.equal(isBuilt(root, PRODUCT), false);
  }));

test("a compiled file that is missing is made again", () =>
  inProject(async (root) => {
    await build(root, PRODUCT);
    rmSync(join(root, "dist/one.js"));
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    assert.equal(existsSync(join(root, "dist/one.js")), true);
  }));

test("a build killed half-way is done again from the start", () =>
  inProject(async (root) => {
    await build(root, PRODUCT);
    rmSync(join(root, "dist/.source-digest"));
    writeFileSync(join(root, "dist/one.js"), "export const on");
    assert.equal(isBuilt(root, PRODUCT), false);
    await build(root, PRODUCT);
    assert.match(readFileSync(join(root, "dist/one.js"), "utf8"), /one = 1;/);
  }));

test("wrong types end the build, which then does not count as done", () =>
  inProject(async (root) => {
    writeFileSync(join(root, "src/one.ts"), 'export const one: number = "1";\n');
    await assert.rejects(build(root, PRODUCT), /src\/ did not compile/);
    assert.equal(isBuilt(root, PRODUCT), false);
  }));
