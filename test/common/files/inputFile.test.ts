import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { readInputFile, readInputText } from "#pefd/common/files/inputFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const BOUNDS = { maxBytes: 5, hint: "Name another." };

test("a regular file of up to so many bytes is read, by its own name or by a link", (t) => {
  const path = join(temporaryFolder(t), "file");
  symlinkSync(path, `${path}.link`);
  for (const content of ["", "x", "fünf"]) {
    writeFileSync(path, content);
    for (const name of [path, `${path}.link`]) {
      assert.equal(readInputText(name, BOUNDS), content);
      assert.deepEqual(Buffer.from(readInputFile(name, BOUNDS)), Buffer.from(content));
    }
  }
});

test("one byte more is refused, with both numbers and what to do", (t) => {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, "123456");
  assert.throws(
    () => readInputFile(path, BOUNDS),
    (error: PefdError) => {
      assert.equal(error.message, `${path} has 6 bytes; the limit is 5.`);
      assert.deepEqual([error.exitCode, error.hint], [2, "Name another."]);
      return true;
    },
  );
});

test("what is no regular file is refused by what it is, before it is opened", async (t) => {
  const folder = temporaryFolder(t);
  execFileSync("mkfifo", [join(folder, "pipe")]);
  symlinkSync("/dev/zero", join(folder, "zero"));
  const server = createServer().listen(join(folder, "socket"));
  t.after(() => server.close());
  await new Promise((listening) => server.once("listening", listening));
  for (const [name, kind] of [
    ["", "a folder"],
    ["pipe", "a pipe"],
    ["socket", "a socket"],
    ["zero", "a device"],
  ]) {
    const path = join(folder, name ?? "");
    assert.throws(
      () => readInputFile(path, BOUNDS),
      (error: PefdError) => {
        assert.equal(error.message, `${path} is ${kind}, not a regular file.`);
        return error.exitCode === 2 && error.hint === "Name another.";
      },
    );
  }
});

test("what the system says of a missing file is for the caller to tell", (t) => {
  const path = join(temporaryFolder(t), "none");
  assert.throws(() => readInputFile(path, BOUNDS), { code: "ENOENT" });
});
