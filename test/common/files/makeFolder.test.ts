import assert from "node:assert/strict";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { makeFolder } from "#pefd/common/files/atomicFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const refused = (path: string, reason: RegExp) =>
  assert.throws(
    () => makeFolder(path),
    (error: PefdError) => error.exitCode === 2 && reason.test(error.message),
  );

test("a folder is made with those above it, and again without harm", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "a/b/../c");
  makeFolder(path);
  makeFolder(path);
  assert.ok(statSync(join(folder, "a/c")).isDirectory());
  symlinkSync("a", join(folder, "link"));
  makeFolder(join(folder, "link/d"));
  assert.ok(statSync(join(folder, "a/d")).isDirectory());
});

test("a file in the way is the user's to move, above the folder or in its place", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  refused(join(folder, "file"), /file cannot be made: a file is in the way\.$/);
  refused(join(folder, "file/below"), /below cannot be made: a file is in the way\.$/);
  symlinkSync("nowhere", join(folder, "dangling"));
  refused(join(folder, "dangling"), /a file is in the way/);
});

test("a place that takes no folders is named instead of tried for ever", () => {
  refused("/proc/nothing/of/it", /\/proc\/nothing\/of\/it cannot be made: no folders/);
});
