import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeFailure, isInputFailure, writeError } from "#pefd/common/files/atomicFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const failure = (code: string) => Object.assign(new Error(`${code}: odd`), { code });

test("a failed write names file and reason, and who can do something about it", async (t) => {
  const path = join(temporaryFolder(t), "x");
  for (const [code, exitCode, reason] of [
    ["ENOSPC", 1, "the disk is full"],
    ["EDQUOT", 1, "the disk quota is used up"],
    ["EROFS", 1, "the file system is read-only"],
    ["EACCES", 1, "permission denied"],
    ["EIO", 1, "the disk reports an input/output error"],
    ["EMFILE", 1, "too many files are open"],
    ["EPIPE", 1, "its reader closed the pipe"],
    ["ENOENT", 2, "its folder does not exist"],
    ["ENOTDIR", 2, "a part of its path is not a folder"],
    ["EISDIR", 2, "there is a folder of that name"],
    ["ELOOP", 2, "its links form a loop"],
    ["ENAMETOOLONG", 2, "its name is too long"],
    ["EODD", 1, "EODD: odd"],
  ] as const) {
    const error = await writeError(path, failure(code));
    assert.equal(error.message, `${path} could not be written: ${reason}.`);
    assert.equal(error.exitCode, exitCode, code);
    const full = code === "ENOSPC" || code === "EDQUOT";
    assert.equal(error.hint, full ? "Free some space, then run the command again." : undefined);
    assert.equal(isInputFailure(failure(code)), exitCode === 2);
    assert.equal(describeFailure(failure(code)), reason);
  }
});

test("that the earlier file is intact is said where there is one", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "folder"));
  const intact = async (name: string) =>
    / The previous file is intact\.$/.test((await writeError(join(folder, name), failure("EIO"))).message);
  assert.deepEqual([await intact("file"), await intact("folder"), await intact("none")], [true, false, false]);
});
