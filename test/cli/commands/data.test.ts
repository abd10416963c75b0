import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../data/cifar/recordFiles.js";
import { makeArchive, md5, serveArchive } from "../../data/fetch/archiveServer.js";
import { pefd } from "../../helpers/pefd.js";

test("synthetic data is made where asked for, the same for the same seed, and verified", async (t) => {
  const cwd = temporaryFolder(t);
  const make = (out: string) =>
    pefd(["data", "synthesize", "--out", out, "--train", "200", "--test", "100", "--seed", "3"], {
      cwd,
    });
  const { exitCode, stdout, stderr } = await make("a");
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.match(stdout, /^200 training and 100 test images lie in a; use them with --data a\n$/);
  await make("b");
  for (const file of ["train.bin", "test.bin"]) {
    assert.deepEqual(readFileSync(join(cwd, "a", file)), readFileSync(join(cwd, "b", file)));
  }
  const verified = await pefd(["data", "verify", "--data", "a"], { cwd });
  assert.equal(verified.exitCode, 0);
  assert.match(verified.stdout, /train\.bin +200 images \(614800 bytes\), 100 classes, 2 of each/);
  assert.match(verified.stdout, /not the images of CIFAR-100/);
});

test("verify names what is wrong with a folder, with exit code 2", async (t) => {
  const cwd = temporaryFolder(t);
  const { exitCode, stderr } = await pefd(["data", "verify"], {
    cwd,
    env: { PEFD_DATA: "nowhere" },
  });
  assert.match(stderr, /nowhere\/train\.bin does not exist/);
  assert.equal(exitCode, 2);
});

test("fetch brings the archive, tells how far it is, and leaves other data alone", async (t) => {
  const cwd = temporaryFolder(t);
  const archive = makeArchive(temporaryFolder(t));
  const { url } = await serveArchive(t, { body: archive });
  const words = ["data", "fetch", "--data", "images", "--url", url, "--md5", md5(archive)];
  const { exitCode, stdout, stderr } = await pefd(words, { cwd });
  assert.deepEqual([exitCode, stdout], [0, "CIFAR-100 lies in images\n"]);
  assert.match(stderr, /MB of \d+\.\d MB\n/);
  assert.deepEqual(readdirSync(cwd), ["images"]);
  const again = await pefd(words, { cwd });
  assert.match(again.stderr, /holds something other than the complete CIFAR-100/);
  assert.equal(again.exitCode, 2);
});

test("an archive with another md5 sum is a failed run", async (t) => {
  const cwd = temporaryFolder(t);
  const { url } = await serveArchive(t, { body: makeArchive(temporaryFolder(t)) });
  const { exitCode, stderr } = await pefd(["data", "fetch", "--data", "images", "--url", url], {
    cwd,
  });
  assert.match(stderr, /md5 sum/);
  assert.equal(exitCode, 1);
  assert.deepEqual(readdirSync(cwd), []);
});
