import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeOf } from "#pefd/common/shapes.js";
import { resolveTeacher } from "#pefd/config/derive.js";
import { DATASETS } from "#pefd/data/registry.js";
import { MODELS } from "#pefd/models/registry.js";
import { mapShapes, stateLayout } from "#pefd/models/survey.js";

const resolve = (model: string, dataset: string) =>
  resolveTeacher([{ label: (name) => name, origin: () => "", values: { model, dataset } }]);

test("every model looks at the sizes that it says, with any number of classes", () => {
  for (const { name, imageSizes = [32, 96] } of MODELS.rows()) {
    for (const side of [...imageSizes, 64]) {
      const { maps } = mapShapes(name, side);
      assert.ok(
        maps.every((map) => sizeOf(map) > 0),
        `${name} at ${side}`,
      );
    }
    const classifier = stateLayout(name, 7).findLast(({ role }) => role === "linear.weight");
    assert.equal(classifier?.shape[0], 7, name);
  }
});

test("models for small images take those of every data set of small images, and those for ImageNet do not", () => {
  for (const { name, format } of DATASETS.rows()) {
    const isSmall = format.height <= 96;
    if (isSmall) assert.equal(resolve("resnet8x4", name).options.dataset, name);
    else assert.throws(() => resolve("resnet8x4", name), /resnet8x4 expects 32x32/);
    if (format.height >= 64) assert.equal(resolve("RESNET18", name).options.dataset, name);
    else assert.throws(() => resolve("RESNET18", name), /RESNET18 expects 224x224/);
  }
});
