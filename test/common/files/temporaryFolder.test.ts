import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { withTemporaryFolder } from "#pefd/common/files/atomicFolder.js";
import { ownMark } from "#pefd/common/processMark.js";
import { ROOT } from "../../helpers/paths.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** Has temporary folders made below another place until the test is over. */
function placing(t: TestContext, parent: string): string {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = parent;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  return parent;
}

test("work gets an empty folder of its own, which is gone afterwards, whatever came of the work", (t) => {
  const parent = placing(t, temporaryFolder(t));
  const used = (fails: boolean) =>
    withTemporaryFolder("things", (folder) => {
      assert.equal(dirname(folder), parent);
      assert.match(basename(folder), /^pefd-things-/);
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(join(folder, "file"), "");
      if (fails) throw new Error("no luck");
      return 7;
    });
  assert.equal(used(false), 7);
  assert.throws(() => used(true), { message: "no luck" });
  assert.deepEqual(readdirSync(parent), []);
});

test("a place that takes no folder is named, with what to set", (t) => {
  const parent = placing(t, join(temporaryFolder(t), "nowhere"));
  const attempt = () => withTemporaryFolder("things", () => assert.fail("there is no folder"));
  assert.throws(attempt, (error: PefdError) => {
    assert.ok(error instanceof PefdError);
    assert.ok(error.message.startsWith(`The folder for temporary files, ${parent}, cannot be used`));
    assert.match(error.hint ?? "", /^Set TMPDIR to /);
    return error.exitCode === 3;
  });
});

/** The mark of a process that has ended. */
const goneMark = (): string => {
  const script = 'import("#pefd/common/processMark.js").then((m) => console.log(m.ownMark()))';
  return execFileSync(process.execPath, ["-e", script], { cwd: ROOT, encoding: "utf8" }).trim();
};

test("what a killed process left is removed, what lives, is of another name or another machine stays", (t) => {
  const parent = placing(t, temporaryFolder(t));
  const gone = goneMark();
  const left = `pefd-things-${gone}-AbCd12`;
  const staying = [
    `pefd-things-${ownMark()}-AbCd12`,
    `pefd-others-${gone}-AbCd12`,
    `pefd-things-${gone.replace(/^\w+/, "0a1b2c3d")}-AbCd12`,
  ];
  for (const name of [left, ...staying]) mkdirSync(join(parent, name, "inside"), { recursive: true });
  withTemporaryFolder("things", () => assert.ok(!existsSync(join(parent, left))));
  assert.deepEqual(readdirSync(parent).sort(), staying.sort());
});
