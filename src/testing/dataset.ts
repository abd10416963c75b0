import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { classesIn, type ImageSet } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import type { Plugin } from "../plugin/define.js";
import { use } from "./scene.js";

function checkSet(what: string, set: ImageSet, classes: number): void {
  equal(set.labels.length, set.count, `${what}: as many labels as images`);
  ok(set.count > 0, `${what}: there are images`);
  ok(
    set.labels.every((label) => label < classes),
    `${what}: labels are from 0 to ${classes - 1}`,
  );
  if (set.kind === "files") return;
  const bytes = set.count * set.height * set.width * set.channels;
  equal(set.images.length, bytes, `${what}: a byte for each value`);
}

const pixels = (set: ImageSet) => (set.kind === "memory" ? set.images : undefined);

/**
 * Checks a data set as training needs it: bytes, labels, class names, same images and files when reopened, limits.
 * @param folder as --data; the data set's default if omitted
 * @throws AssertionError
 */
export async function checkDataset(plugin: Plugin, name: string, folder?: string): Promise<void> {
  use(plugin);
  const row = DATASETS.row(name);
  const place = folder ?? String(row.defaults.data ?? ".");
  const [whole, again] = [await row.open(place), await row.open(place)];
  const classes = await classesIn(row, place);
  equal(whole.numClasses, classes, "as many classes as the row says");
  equal((await row.classNames(place)).length, classes, "a name for each class");
  for (const part of ["train", "test"] as const) {
    checkSet(part, whole[part], classes);
    deepStrictEqual(again[part].labels, whole[part].labels, `${part}: the same labels again`);
    deepStrictEqual(pixels(again[part]), pixels(whole[part]), `${part}: the same images again`);
  }
  const limited = await row.open(place, { limitTrain: 1, limitTest: 1 });
  deepStrictEqual([limited.train.count, limited.test.count], [1, 1], "limits are kept");
  const files = await row.files(place);
  for (const { trainFile, testFile } of [whole, again, limited]) {
    deepStrictEqual([trainFile, testFile], [files.trainFile, files.testFile], "the same files");
  }
  deepStrictEqual((await row.openTest(place)).test.labels, whole.test.labels, "only test images");
}
