import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Dataset, ImagesInFiles, VerifyReport } from "#pefd/data/dataset.js";
import { FOLDER, IMAGENET } from "#pefd/data/folder/row.js";
import type { ImageExaminer } from "#pefd/data/images/examine/types.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { PETS, writeFiles } from "../folder/files.js";
import { packedPets } from "./packing.js";
import { tarOf } from "./tarFile.js";

const open = (directory: string) => FOLDER.open(directory) as Dataset;

type Files = Parameters<typeof tarOf>[0];

/** A folder of archives. */
function archives(t: TestContext, files: Readonly<Record<string, Files>>): string {
  const directory = temporaryFolder(t);
  for (const [name, members] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), tarOf(members));
  }
  return directory;
}

const sample = (key: string, label: number, json?: string): Files => [
  [`${key}.jpg`, `bytes of ${key}`],
  [`${key}.cls`, `${label}`],
  ...(json === undefined ? [] : [[`${key}.json`, json] as const]),
];

test("shards of others: halves by the names of shards or their folders, classes by numbers, names as .json tells", (t) => {
  const val = sample("x/1", 1, `{"filename": "dog/one.JPEG"}`);
  const train = [
    [["__meta__", "{}"] as const, ...sample("0", 0), ...sample("1", 1, "no JSON")],
    sample("2", 1, `{"filename": "two lines\\n"}`),
  ] as const;
  for (const [first, second, third] of [
    ["imagenet1k-train-0000.tar", "imagenet1k-train-0001.tar", "imagenet1k-validation-00.tar"],
    ["train/0.tar", "train/1.tar", "val/0.tar"],
  ] as const) {
    const directory = archives(t, { [third]: val, [second]: train[1], [first]: train[0] });
    const { train: set, test: tests, numClasses } = open(directory);
    assert.equal(numClasses, 2);
    const { places } = set as ImagesInFiles;
    assert.deepEqual(
      [0, 1, 2].map((i) => imageName(places, i)),
      [`${first}/0.jpg`, `${first}/1.jpg`, `${second}/2.jpg`],
    );
    assert.deepEqual([...set.labels], [0, 1, 1]);
    assert.equal(Buffer.from(readImage(places, 2)).toString(), "bytes of 2");
    assert.equal(imageName((tests as ImagesInFiles).places, 0), "dog/one.JPEG");
    assert.deepEqual(IMAGENET.classNames(directory), ["0", "1"]);
  }
});

test("archives beside folders of classes, as they were downloaded, are no shards", (t) => {
  const directory = writeFiles(archives(t, { "ILSVRC2012_img_train.tar": sample("0", 0) }), PETS);
  assert.equal(open(directory).train.count, 4);
});

const LACKING: Readonly<Record<string, readonly [Files, RegExp]>> = {
  "no class": [[["a.jpg", "x"]], /The sample a in .*train\.tar has no a\.cls, the class/],
  "no image": [[["a.cls", "0"]], /The sample a in .*train\.tar contains no JPEG, PNG, BMP or WebP image/],
  "another format": [
    [
      ["a.tiff", "x"],
      ["a.cls", "0"],
    ],
    /a\.tiff is an image in an unsupported format/,
  ],
  "two images": [[...sample("a", 0), ["a.seg.png", "x"]], /contains two images, a\.jpg and a\.seg\.png/],
  "a class that is no number": [
    [
      ["a.jpg", "x"],
      ["a.cls", "dog"],
    ],
    /has a \.cls that is not a class index/,
  ],
  "no samples": [[["README", "x"]], /train\.tar contains no samples/],
  "classes from 1": [sample("a", 1), /Class 0 has no training images, but class 1 does/],
};

for (const [name, [members, sentence]] of Object.entries(LACKING)) {
  test(`refused with what is missing: ${name}`, (t) => {
    const directory = archives(t, { "train.tar": members, "val.tar": sample("a", 0) });
    assert.throws(() => open(directory), { exitCode: 2, message: sentence });
  });
}

test("a class that the training shards do not have is refused", (t) => {
  const directory = archives(t, { "train.tar": sample("a", 0), "val.tar": sample("b", 3) });
  assert.throws(() => open(directory), /val\.tar\/b\.jpg .* has the class 3; there are 1 classes/);
});

const DAMAGES: Readonly<Record<string, readonly [(out: string) => void, RegExp]>> = {
  "a cut shard": [(out) => truncateSync(join(out, "val-000000.tar"), 3000), /val-000000\.tar .* 3000 bytes instead of/],
  "a missing shard": [
    (out) => rmSync(join(out, "train-000000.tar")),
    /train-000000\.tar, a shard listed in shards\.json, is missing/,
  ],
  "overwritten headers": [
    (out) => {
      const path = join(out, "train-000000.tar");
      writeFileSync(path, readFileSync(path).fill(1, 1024, 1536));
    },
    /train-000000\.tar cannot be read: no file header at byte 1024/,
  ],
  "a damaged record": [
    (out) => writeFileSync(join(out, "shards.json"), "{}"),
    /shards\.json cannot be used: it was not written by/,
  ],
  "a record that leads elsewhere": [
    (out) => {
      const path = join(out, "shards.json");
      writeFileSync(path, readFileSync(path, "utf8").replace("train-000000", "../train-000000"));
    },
    /shards\.json cannot be used/,
  ],
};

for (const [name, [damage, sentence]] of Object.entries(DAMAGES)) {
  test(`refused by name: ${name}`, async (t) => {
    const { out } = await packedPets(t);
    damage(out);
    assert.throws(() => open(out), { exitCode: 2, message: sentence });
  });
}

test("a shard that is cut while a run goes on ends it with the image's name", async (t) => {
  const { out } = await packedPets(t);
  const { train } = open(out);
  truncateSync(join(out, "train-000000.tar"), 600);
  assert.throws(() => readImage((train as ImagesInFiles).places, 3), {
    exitCode: 1,
    message: /The image train\/dog\/b\/2\.png cannot be read: .*train-000000\.tar ends before it/,
  });
});

test("verify names images that cannot be used, and shards that have changed", async (t) => {
  const { out } = await packedPets(t);
  const path = join(out, "val-000000.tar");
  const bytes = readFileSync(path);
  bytes[512] = 1;
  writeFileSync(path, bytes);
  const { open: _, verify } = FOLDER;
  const examiner: ImageExaminer = {
    examine: async ({ names }) => names.map((name) => ({ bytes: name.length, sha256: name })),
  };
  const report = (await verify(out, examiner)) as VerifyReport;
  assert.deepEqual(report.problems, [`${path} has changed since it was packed (sha256).`]);
  assert.deepEqual(
    report.files.map(({ records }) => records),
    [4, 2],
  );
});
