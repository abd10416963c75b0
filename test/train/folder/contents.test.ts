import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { DatasetFiles } from "#pefd/data/dataset.js";
import { FOLDER } from "#pefd/data/folder/row.js";
import { type Identity, identitySha256 } from "#pefd/runFiles/identity.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";
import { pefd } from "../../helpers/pefd.js";

const cwd = mkdtempSync(join(tmpdir(), "pefd-folder-contents-"));
after(() => rmSync(cwd, { recursive: true }));

const SIDE = 64;

/** A BMP of one gray: all of one size. */
function bmp(gray: number): Buffer {
  const bytes = 3 * SIDE * SIDE;
  const file = Buffer.alloc(54 + bytes, gray);
  const head = [19778, 54 + bytes, 0, 54, 40, SIDE, SIDE, 1 + (24 << 16), 0, bytes, 0, 0, 0, 0];
  file.writeUInt16LE(head[0] as number, 0);
  for (const [i, value] of head.slice(1).entries()) file.writeUInt32LE(value, 2 + 4 * i);
  return file;
}

/** Two classes of four images each in both halves. @param add makes other pixels */
function writeImages(add: number): void {
  for (const [test, half] of ["train", "val"].entries()) {
    for (const [label, name] of ["a", "b"].entries()) {
      mkdirSync(join(cwd, "images", half, name), { recursive: true });
      for (let i = 0; i < 4; i++) {
        writeFileSync(join(cwd, "images", half, name, `${i}.bmp`), bmp(20 * i + 90 * label + 7 * test + add));
      }
    }
  }
}

const RUN = "save/models/resnet8_folder_lr_0.01_decay_0.0001_trial_1";
const WHERE = ["--dataset", "folder", "--data", "images"];
const TRAIN = [
  "train-teacher",
  "--model",
  "resnet8",
  ...WHERE,
  "--image_size",
  "32",
  "--batch_size",
  "4",
  "--learning_rate",
  "0.01",
  "--num_workers",
  "0",
  "--quiet",
];

const run = (...words: readonly string[]) =>
  pefd(words, { cwd, env: { PEFD_CACHE: join(cwd, "cache"), TMPDIR: tmpdir() } });

/** Gives a run the checksums that such runs had when names and sizes only counted. */
async function age(): Promise<void> {
  const path = join(cwd, RUN, "config.json");
  const { checksum: _, ...config } = JSON.parse(readFileSync(path, "utf8"));
  const files = FOLDER.files(join(cwd, "images")) as DatasetFiles;
  const sums = {
    trainSha256: files.trainFile.listedSha256,
    testSha256: files.testFile.listedSha256,
  };
  const identity = { ...config.identity, ...sums } as Identity;
  writeFileSync(path, sealedText({ ...config, identity }));
  const resume = join(cwd, RUN, "resume.safetensors");
  const { state, metadata } = await readCheckpoint(resume);
  const progress = { ...(metadata.progress as object), identitySha256: identitySha256(identity) };
  await writeSealedCheckpoint(resume, state, { ...metadata, progress });
  for (const name of ["best", "last"]) {
    const weights = join(cwd, RUN, `resnet8_${name}.safetensors`);
    if (!existsSync(weights)) continue;
    const found = await readCheckpoint(weights);
    const { identitySha256: __, ...others } = found.metadata;
    await writeSealedCheckpoint(weights, found.state, others);
  }
}

before(async () => {
  writeImages(0);
  const { exitCode, stderr } = await run(...TRAIN, "--epochs", "1");
  assert.equal(exitCode, 0, stderr);
});

test("a run does not go on with other pixels in files of the same names and sizes", async () => {
  assert.match((await run("verify", RUN)).stdout, /names, sizes and up to 12 kB of each file/);
  writeImages(3);
  const { exitCode, stderr } = await run(...TRAIN, "--epochs", "2", "--resume");
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /another run: the training data: \w{8} then, \w{8} now; the test data: /);
  const verified = await run("verify", RUN);
  assert.notEqual(verified.exitCode, 0);
  assert.match(verified.stdout, /no +training data +.* has sha256/);
  writeImages(0);
});

test("every byte is compared by data verify with what it found before", async () => {
  const verify = () => run("data", "verify", "folder", "--data", "images");
  assert.equal((await verify()).exitCode, 0);
  assert.equal((await verify()).exitCode, 0, "nothing has changed");
  const path = join(cwd, "images/train/a/0.bmp");
  const bytes = readFileSync(path);
  const at = 4100; // between the beginning and the middle that runs look at
  assert.ok(bytes.length > 3 * 4096);
  writeFileSync(path, bytes.fill(1, at, at + 1));
  const { exitCode, stderr } = await verify();
  assert.equal(exitCode, 2);
  assert.match(stderr, /training images of images have the names, sizes and samples of \d{4}-.*other/);
  writeImages(0);
});

test("a run of names and sizes only goes on as such, and says so", async () => {
  await age();
  const { exitCode, stderr } = await run(...TRAIN, "--epochs", "2", "--resume");
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /its images are compared by names and sizes only/);
  const verified = await run("verify", RUN);
  assert.equal(verified.exitCode, 0, verified.stdout);
  assert.match(verified.stdout, /\(names and sizes only, as recorded by an earlier version/);
  writeFileSync(join(cwd, "images/train/a/0.bmp"), Buffer.concat([bmp(0), Buffer.alloc(2)]));
  const other = await run(...TRAIN, "--epochs", "3", "--resume");
  assert.equal(other.exitCode, 2, "a size is another");
});
