import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { list } from "tar";
import type { Dataset, ImagesInFiles } from "#pefd/data/dataset.js";
import { FOLDER } from "#pefd/data/folder/row.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { readSkipList } from "#pefd/data/skipList.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { PETS, writeFiles } from "../folder/files.js";
import { pack, packedPets } from "./packing.js";

const open = (directory: string, limits = {}) => FOLDER.open(directory, limits) as Dataset;

/** Names, labels and bytes of a half. */
const imagesIn = ({ train, test: tests }: Dataset) =>
  [train, tests].map((set) =>
    Array.from({ length: set.count }, (_, i) => {
      const { places } = set as ImagesInFiles;
      const text = Buffer.from(readImage(places, i)).toString();
      return [imageName(places, i), set.labels[i], text];
    }),
  );

test("shards are opened as the folder is: the same images in the same order, the same identity", async (t) => {
  const { directory, out } = await packedPets(t);
  const [folder, shards] = [open(directory), open(out)];
  assert.deepEqual(imagesIn(shards), imagesIn(folder));
  assert.deepEqual([shards.trainFile, shards.testFile], [folder.trainFile, folder.testFile]);
  assert.equal(shards.numClasses, 2);
  assert.deepEqual(FOLDER.classNames(out), ["cat", "dog"]);
  assert.deepEqual(FOLDER.files(out), FOLDER.files(directory));
  const limits = { limitTrain: 2, limitTest: 1 };
  assert.deepEqual(imagesIn(open(out, limits)), imagesIn(open(directory, limits)));
});

test("a shard holds KEY.jpg, KEY.cls and KEY.json as WebDataset has them; equal images give equal shards", async (t) => {
  const { folder, directory, out, record } = await packedPets(t);
  const names: string[] = [];
  list({
    file: join(out, "train-000000.tar"),
    sync: true,
    onReadEntry: ({ path }) => names.push(path),
  });
  const keys = ["00000000", "00000001", "00000002", "00000003"];
  const endings = ["webp", "jpg", "jpg", "png"];
  assert.deepEqual(
    names,
    keys.flatMap((key, i) => [endings[i] ?? "", "cls", "json"].map((ending) => `${key}.${ending}`)),
  );
  const again = await pack(directory, join(folder, "again"));
  assert.deepEqual(again, record);
  assert.deepEqual(JSON.parse(readFileSync(join(out, "shards.json"), "utf8")), record);
  assert.deepEqual(record.halves.train?.perClass, [1, 3]);
  assert.equal(record.reencoded, undefined);
});

test("a shard ends before it is too large, and shards of other sizes hold the same", async (t) => {
  const { folder, directory, out } = await packedPets(t, { mostBytes: 4096 });
  const shards = readdirSync(out).filter((name) => name.startsWith("train"));
  assert.deepEqual(shards, ["train-000000.tar", "train-000001.tar", "train-000002.tar", "train-000003.tar"]);
  assert.deepEqual(imagesIn(open(out)), imagesIn(open(directory)));
  await pack(out, join(folder, "joined"));
  assert.equal(readdirSync(join(folder, "joined")).length, 3);
  assert.deepEqual(open(join(folder, "joined")).trainFile, open(directory).trainFile);
});

test("one half alone is packed and looked at; images in a list are left out", async (t) => {
  const folder = temporaryFolder(t);
  const directory = writeFiles(join(folder, "val only"), ["val/b/1.jpg", "val/a/1.jpg", "val/a/2.jpg"]);
  await pack(directory, join(folder, "shards"));
  assert.deepEqual(FOLDER.classNames(join(folder, "shards")), ["a", "b"]);
  assert.throws(() => open(join(folder, "shards")), /has no shards of training images\./);
  writeFileSync(join(folder, "list.txt"), "val/a/1.jpg\n");
  const skip = readSkipList(join(folder, "list.txt"));
  assert.deepEqual(FOLDER.packable(directory, skip).halves.test?.names, ["val/a/2.jpg", "val/b/1.jpg"]);
  await assert.rejects(pack(join(folder, "nowhere"), join(folder, "out")), /does not exist/);
});

test("a folder that holds something is left as it is", async (t) => {
  const { directory, out } = await packedPets(t);
  const before = readdirSync(out);
  await assert.rejects(pack(directory, out), {
    exitCode: 2,
    message: /holds files already .*Nothing was changed/,
  });
  assert.deepEqual(readdirSync(out), before);
  const empty = join(temporaryFolder(t), "empty");
  mkdirSync(empty);
  await pack(directory, empty);
  assert.ok(existsSync(join(empty, "shards.json")));
});

test("what is interrupted, or meets an image that cannot be read, leaves nothing", async (t) => {
  const folder = temporaryFolder(t);
  const directory = writeFiles(join(folder, "pets"), PETS);
  const out = join(folder, "shards");
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error("stopped"));
  await assert.rejects(pack(directory, out, { signal: controller.signal, onProgress }), /stopped/);
  const set = FOLDER.packable(directory);
  rmSync(join(directory, "train/dog/b/2.png"));
  const { packImages } = await import("#pefd/data/shards/pack.js");
  await assert.rejects(packImages("folder", set, { out, mostBytes: 1e9 }), {
    exitCode: 1,
    message: /The image train\/dog\/b\/2\.png cannot be read/,
  });
  assert.deepEqual(readdirSync(folder), [basename(directory)]);
});
