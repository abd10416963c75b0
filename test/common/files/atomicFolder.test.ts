import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { mendFolder, writeFolderAtomic } from "#pefd/common/files/atomicFolder.js";
import { isGone, ownMark } from "#pefd/common/processMark.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const content = (word: string) => ({ a: Buffer.from(word), "b/c": Buffer.from(word) });

const read = (folder: string): string[] => ["a", "b/c"].map((name) => readFileSync(join(folder, name), "utf8"));

/** The mark of a process that has ended: ours with a process number that no process has. */
const goneMark = (): string => ownMark().replace(/-\d+-/, "-4194999-");

/** What a writer leaves that is killed between its steps, as it names it. */
async function makeLeftovers(t: TestContext, mark: string) {
  const parent = temporaryFolder(t);
  const folder = join(parent, "model");
  const made = join(parent, `.model.${mark}-0123456789ab.partial`);
  await writeFolderAtomic(folder, content("old"));
  await writeFolderAtomic(join(parent, "new"), content("new"));
  return { parent, folder, made, complete: () => renameSync(join(parent, "new"), made) };
}

describe("a folder that a killed writer left", () => {
  it("is the new one where the old one stood aside and the new one was complete", async (t) => {
    const { parent, folder, made, complete } = await makeLeftovers(t, goneMark());
    complete();
    renameSync(folder, `${made}.replaced`);
    mendFolder(folder);
    assert.deepEqual(read(folder), ["new", "new"]);
    assert.deepEqual(readdirSync(parent), ["model"]);
  });

  it("is the old one where there is nothing else", async (t) => {
    const { parent, folder, made } = await makeLeftovers(t, goneMark());
    renameSync(folder, `${made}.replaced`);
    mendFolder(folder);
    assert.deepEqual(read(folder), ["old", "old"]);
    assert.deepEqual(readdirSync(parent).sort(), ["model", "new"]);
  });

  it("stays as it is where it is in its place; what was unfinished or replaced goes", async (t) => {
    const { parent, folder, made } = await makeLeftovers(t, goneMark());
    cpSync(folder, `${made}.replaced`, { recursive: true });
    mkdirSync(made);
    writeFileSync(join(made, "a"), "half");
    mendFolder(folder);
    assert.deepEqual(read(folder), ["old", "old"]);
    assert.deepEqual(readdirSync(parent).sort(), ["model", "new"]);
  });

  it("is not touched while its writer lives, or where nobody can tell", async (t) => {
    for (const mark of [ownMark(), goneMark().replace(/^\w+/, "0badcafe")]) {
      const { folder, made, complete } = await makeLeftovers(t, mark);
      complete();
      renameSync(folder, `${made}.replaced`);
      mendFolder(folder);
      assert.ok(!existsSync(folder) && existsSync(made), mark);
    }
  });

  it("is mended by the next one who writes it", async (t) => {
    const { parent, folder, made, complete } = await makeLeftovers(t, goneMark());
    complete();
    renameSync(folder, `${made}.replaced`);
    await writeFolderAtomic(folder, content("newest"));
    assert.deepEqual(read(folder), ["newest", "newest"]);
    assert.deepEqual(readdirSync(parent), ["model"]);
  });
});

describe("a folder that is written", () => {
  it("is replaced as a whole, and nothing of the writing stays beside it", async (t) => {
    const parent = temporaryFolder(t);
    const folder = join(parent, "model");
    mkdirSync(folder);
    await writeFolderAtomic(folder, content("into an empty one"));
    writeFileSync(join(folder, "extra"), "gone with the rest");
    await writeFolderAtomic(`${folder}/`, content("new"));
    assert.deepEqual(read(folder), ["new", "new"]);
    assert.deepEqual(readdirSync(folder).sort(), ["a", "b"]);
    assert.deepEqual(readdirSync(parent), ["model"]);
  });

  it("leaves the old one and nothing else where it cannot be made", async (t) => {
    const parent = temporaryFolder(t);
    const folder = join(parent, "model");
    await writeFolderAtomic(folder, content("old"));
    const impossible = { a: Buffer.from("new"), "a/b": Buffer.from("below a file") };
    await assert.rejects(writeFolderAtomic(folder, impossible), /model could not be written: /);
    assert.deepEqual(read(folder), ["old", "old"]);
    assert.deepEqual(readdirSync(parent), ["model"]);
    const nowhere = join(parent, "no/model");
    await assert.rejects(writeFolderAtomic(nowhere, content("x")), /its folder does not exist/);
  });
});

describe("a process's mark", () => {
  it("tells a process that lives from one that is gone, and a later one of its number", () => {
    assert.equal(isGone(ownMark()), false);
    assert.equal(isGone(`${ownMark()}-rest`), false);
    assert.equal(isGone(goneMark()), true);
    assert.equal(isGone(ownMark().replace(/-\d+$/, "-1")), true);
    for (const odd of ["", "-", "a-b", ownMark().replace(/-\d+$/, "-")]) assert.equal(isGone(odd), false);
  });
});
