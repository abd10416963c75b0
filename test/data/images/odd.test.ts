import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { openExaminer } from "#pefd/data/images/examine/examiner.js";
import { imagePlaces } from "#pefd/data/images/places.js";
import { type ImageReader, openImageReader } from "#pefd/data/images/reader.js";
import { evaluationView } from "#pefd/data/images/view.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { sharedPath } from "../../helpers/paths.js";

// Generated files that are damaged or unusual are those of reader.test.ts; these are real ones.

before(() => {
  loadTensorFlow();
});

interface Odd {
  readonly from: string;
  readonly pillow: "decodes" | "fails";
  readonly height: number;
  readonly width: number;
}

/** What each of the ways of reading an image makes of a file. */
const looks = (reader: ImageReader, name: string, file: Uint8Array) => [
  () => reader.pixels(name, file),
  () => reader.show(name, file, (size) => evaluationView(size, { resize: 64, crop: 56 })),
];

test("unusual files decode and damaged ones are refused by name, each as Pillow has it", (t) => {
  const folder = sharedPath("images/odd");
  if (folder === undefined) return t.skip("needs ../shared/images/odd");
  const odd: Record<string, Odd> = JSON.parse(readFileSync(`${folder}.json`, "utf8"));
  const reader = openImageReader(nativeBackend().binding);
  assert.ok(Object.keys(odd).length > 30);
  for (const [name, { pillow, height, width }] of Object.entries(odd)) {
    const file = readFileSync(join(folder, name));
    for (const look of looks(reader, name, file)) {
      if (pillow === "decodes") {
        assert.doesNotThrow(look, name);
        continue;
      }
      assert.throws(look, (error) => {
        assert.ok(error instanceof PefdError && error.exitCode === 1, name);
        assert.ok(error.message.startsWith(`The image ${name} cannot be used: `), error.message);
        return true;
      });
    }
    if (pillow === "decodes") {
      const image = reader.pixels(name, file);
      assert.deepEqual([image.height, image.width], [height, width], name);
    }
  }
});

test("examining them on threads names the damaged ones and no others", async (t) => {
  const folder = sharedPath("images/odd");
  if (folder === undefined) return t.skip("needs ../shared/images/odd");
  const odd: Record<string, Odd> = JSON.parse(readFileSync(`${folder}.json`, "utf8"));
  const names = Object.keys(odd);
  const reader = () => openImageReader(nativeBackend().binding);
  const examiner = openExaminer({ workers: 2, reader });
  t.after(examiner.close);
  // Four times over, so that threads are worth it.
  const all = [names, names, names, names].flat();
  const source = { places: imagePlaces(folder, all), first: 0 };
  const found = await examiner.examine({ names: all, source });
  const refused = all.filter((_, i) => found[i]?.problem !== undefined);
  assert.deepEqual(
    refused,
    all.filter((name) => odd[name]?.pillow === "fails"),
  );
});
