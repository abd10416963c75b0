import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { create } from "tar";
import { visitTar } from "#pefd/data/archive/tarMembers.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { tarOf } from "../shards/tarFile.js";

/** Names and contents of an archive's files. */
function filesIn(path: string): [string, string][] {
  const files: [string, string][] = [];
  visitTar(path, (member, read) => files.push([member.name, read(member).toString()]));
  return files;
}

function written(t: TestContext, bytes: Uint8Array): string {
  const path = join(temporaryFolder(t), "some.tar");
  writeFileSync(path, bytes);
  return path;
}

const LONG = `${"folder/".repeat(40)}name.txt`;

/** An archive by the package tar of files in folders, one with a name that needs a header of its own. */
function packedFolder(t: TestContext): string {
  const folder = temporaryFolder(t);
  for (const name of ["a.txt", "b/Ä.txt", LONG]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `bytes of ${name}`);
  }
  const file = join(temporaryFolder(t), "packed.tar");
  create({ file, cwd: folder, sync: true, noPax: false }, ["a.txt", "b", "folder"]);
  return file;
}

test("files are found by their headers, whatever lies between, names of any length too", (t) => {
  assert.deepEqual(filesIn(packedFolder(t)), [
    ["a.txt", "bytes of a.txt"],
    ["b/Ä.txt", "bytes of b/Ä.txt"],
    [LONG, `bytes of ${LONG}`],
  ]);
  const large = "x".repeat(10_000);
  const path = written(
    t,
    tarOf([
      ["1", ""],
      ["2", large],
      ["3", "three"],
    ]),
  );
  assert.deepEqual(filesIn(path), [
    ["1", ""],
    ["2", large],
    ["3", "three"],
  ]);
});

const TWO = tarOf([
  ["first.txt", "one"],
  ["second.txt", "two"],
]);

const REFUSALS: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "an empty file": [new Uint8Array(0), /truncated after byte 0\./],
  "no archive": [Buffer.alloc(2048, "x"), /it is not a tar archive/],
  "cut in a header": [TWO.subarray(0, 1100), /truncated after byte 1024\./],
  "cut in a file": [TWO.subarray(0, 1537), /truncated after byte 1024 \(second\.txt\)/],
  "cut before its end": [TWO.subarray(0, 2048), /truncated after byte 2048\./],
  "overwritten in the middle": [Buffer.from(TWO).fill(7, 1024, 1100), /no file header at byte 1024/],
  "joined ones": [Buffer.concat([TWO, Buffer.alloc(2 ** 20 + 512, 1)]), /follow its end/],
};

for (const [name, [bytes, sentence]] of Object.entries(REFUSALS)) {
  test(`refused by name, exit code 2: ${name}`, (t) => {
    const path = written(t, bytes);
    assert.throws(
      () => filesIn(path),
      (error: Error & { exitCode?: number }) => {
        assert.match(error.message, sentence);
        assert.ok(error.message.includes(path));
        return error.exitCode === 2;
      },
    );
  });
}

test("links in it are refused, what is not there, and what is no regular file", (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("nowhere", join(folder, "link.jpg"));
  const file = join(folder, "links.tar");
  create({ file, cwd: folder, sync: true }, ["link.jpg"]);
  assert.throws(() => filesIn(file), /link\.jpg in it is not a file/);
  assert.throws(() => filesIn(join(folder, "none.tar")), /none\.tar cannot be read: ENOENT/);
  execFileSync("mkfifo", [join(folder, "pipe.tar")]);
  assert.throws(() => filesIn(join(folder, "pipe.tar")), /pipe\.tar is not a regular file/);
});
