import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../data/cifar/recordFiles.js";
import { makeArchive, md5, serveArchive } from "../../data/fetch/archiveServer.js";
import { fileNamed } from "../../data/images/generated.js";
import { pefd } from "../../helpers/pefd.js";

test("synthetic data is made where asked for, the same for the same seed, and verified", async (t) => {
  const cwd = temporaryFolder(t);
  const make = (out: string) =>
    pefd(["data", "synthesize", "--out", out, "--train", "200", "--test", "100", "--seed", "3"], {
      cwd,
    });
  const { exitCode, stdout, stderr } = await make("a");
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.match(stdout, /^200 training and 100 test images are in a; use them with --data a\n$/);
  await make("b");
  for (const file of ["train.bin", "test.bin"]) {
    assert.deepEqual(readFileSync(join(cwd, "a", file)), readFileSync(join(cwd, "b", file)));
  }
  const verified = await pefd(["data", "verify", "--data", "a"], { cwd });
  assert.equal(verified.exitCode, 0);
  assert.match(verified.stdout, /train\.bin +200 images \(614800 bytes\), 100 classes, 2 per class/);
  assert.match(verified.stdout, /not the original images of CIFAR-100/);
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
  assert.deepEqual([exitCode, stdout], [0, "CIFAR-100 is in images\n"]);
  assert.match(stderr, /MB of \d+\.\d MB\n/);
  assert.deepEqual(readdirSync(cwd), ["images"]);
  const again = await pefd(words, { cwd });
  assert.match(again.stderr, /exists but is not the complete CIFAR-100/);
  assert.equal(again.exitCode, 2);
});

test("an archive with another md5 sum is a failed run", async (t) => {
  const cwd = temporaryFolder(t);
  const { url } = await serveArchive(t, { body: makeArchive(temporaryFolder(t)) });
  const { exitCode, stderr } = await pefd(["data", "fetch", "--data", "images", "--url", url], {
    cwd,
  });
  assert.match(stderr, /has MD5/);
  assert.equal(exitCode, 1);
  assert.deepEqual(readdirSync(cwd), []);
});

test("a data set is named as a word or with --dataset, and only one", async (t) => {
  const cwd = temporaryFolder(t);
  const made = await pefd(["data", "synthesize", "stl10", "--train", "3", "--test", "2"], { cwd });
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /use them with --dataset stl10 --data data\/synthetic-stl10\n$/);
  const words = ["--data", "data/synthetic-stl10"];
  const verified = await pefd(["data", "verify", "--dataset", "stl10", ...words], { cwd });
  assert.match(
    verified.stdout,
    /train_X\.bin +3 images [^\n]*\n[^\n]*\nOK, but not the original images of STL-10\.\n$/,
  );
  assert.equal(verified.exitCode, 0);
  const both = await pefd(["data", "verify", "cifar10", "--dataset", "stl10"], { cwd });
  assert.match(both.stderr, /Both cifar10 and --dataset stl10 are given/);
  assert.equal(both.exitCode, 2);
});

test("every image is decoded, and a list of those that cannot be used is written", async (t) => {
  const cwd = temporaryFolder(t);
  const sizes = ["--train", "4", "--test", "4", "--classes", "2", "--out", "images"];
  assert.equal((await pefd(["data", "synthesize", "folder", ...sizes], { cwd })).exitCode, 0);
  const words = ["data", "verify", "folder", "--data", "images", "--skip_list", "bad.txt"];
  const sound = await pefd(words, { cwd });
  assert.match(sound.stdout, /OK: every image can be decoded\.\n$/);
  assert.equal(readFileSync(join(cwd, "bad.txt"), "utf8"), "");
  const name = join("train", "tiny_warm_tiles", "0.png");
  const other = join("train", "small_warm_tiles", "0.png");
  const bad = existsSync(join(cwd, "images", name)) ? name : other;
  writeFileSync(join(cwd, "images", bad), "no image");
  const { exitCode, stderr } = await pefd(words, { cwd });
  assert.equal(exitCode, 2);
  assert.ok(stderr.includes(`The image ${bad} cannot be used`), stderr);
  assert.equal(readFileSync(join(cwd, "bad.txt"), "utf8"), `${bad}\n`);
});

/** A JPEG some of whose data are missing before its end: libjpeg warns, and goes on with gray. */
function torn(): Buffer {
  const file = fileNamed("420.jpg");
  const scan = file.lastIndexOf(Buffer.from([0xff, 0xda]));
  const kept = file.subarray(0, scan + Math.floor((file.length - scan) / 2));
  return Buffer.concat([kept, Buffer.from([0xff, 0xd9])]);
}

test("libjpeg's warnings are told with the image's name, and only by verify", async (t) => {
  const cwd = temporaryFolder(t);
  const sizes = ["--train", "130", "--test", "4", "--classes", "2", "--out", "images"];
  assert.equal((await pefd(["data", "synthesize", "folder", ...sizes], { cwd })).exitCode, 0);
  const name = join("train", "tiny_warm_tiles", "torn.jpg");
  writeFileSync(join(cwd, "images", name), torn());
  const { checks } = JSON.parse((await pefd(["doctor", "--json"], { cwd })).stdout);
  const images = checks.find((check: { name: string }) => check.name === "images");
  if (!images.detail.includes("compiled code")) return t.skip("nothing is compiled here");
  for (const workers of ["0", "2"]) {
    const words = ["data", "verify", "folder", "--data", "images", "--num_workers", workers];
    const { exitCode, stdout, stderr } = await pefd(words, { cwd });
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const told = `The image ${name} is used despite a decoder warning: Corrupt JPEG data: premature end of data segment.`;
    assert.equal(stdout.split(told).length, 2, stdout);
  }
  const sheet = ["data", "show", "images", "--dataset", "folder", "--images", "200"];
  const shown = await pefd([...sheet, "--html", "sheet.html"], { cwd });
  assert.deepEqual([shown.exitCode, shown.stderr], [0, ""]);
});
