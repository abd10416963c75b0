import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { imageName, imagePlaces, readImage } from "#pefd/data/images/places.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

test("names come back as they were, whatever letters they have", () => {
  const names = ["a/n03992509_potter's_wheel.JPEG", "b/ Ä 犬.jpg", "", "c.png"];
  const places = imagePlaces("/data", names);
  assert.deepEqual(
    names.map((_, i) => imageName(places, i)),
    names,
  );
});

test("images are read whole, or as their part of a file that several share", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "all.tar"), "0123456789");
  const whole = imagePlaces(folder, ["all.tar"]);
  assert.equal(Buffer.from(readImage(whole, 0)).toString(), "0123456789");
  writeFileSync(join(folder, "more.tar"), "abc");
  const parts = imagePlaces(
    folder,
    ["dog/1.jpg", "dog/2.jpg", "cat/1.jpg", "cat/2.jpg"],
    [
      { file: "all.tar", offset: 2, length: 3 },
      { file: "more.tar", offset: 1, length: 2 },
      { file: "all.tar", offset: 0, length: 1 },
      { file: "all.tar", offset: 8, length: 5 },
    ],
  );
  const texts = [0, 1, 2].map((i) => Buffer.from(readImage(parts, i)).toString());
  assert.deepEqual(texts, ["234", "bc", "0"]);
  assert.equal(imageName(parts, 2), "cat/1.jpg");
  assert.throws(() => readImage(parts, 3), {
    exitCode: 1,
    message: /^The image cat\/2\.jpg cannot be read: .*all\.tar ends before it\.$/,
  });
});

test("a file that is gone is named", (t) => {
  const places = imagePlaces(temporaryFolder(t), ["dog/gone.JPEG"]);
  assert.throws(
    () => readImage(places, 0),
    (error) =>
      error instanceof PefdError &&
      error.exitCode === 1 &&
      /^The image dog\/gone\.JPEG cannot be read: ENOENT/.test(error.message),
  );
});
