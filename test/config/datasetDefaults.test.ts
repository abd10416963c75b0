import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTeacher } from "#pefd/config/derive.js";
import type { Layer } from "#pefd/config/resolve.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { DATASETS } from "#pefd/data/registry.js";

DATASETS.add({
  ...CIFAR100,
  name: "toy",
  defaults: { batch_size: 32, learning_rate: 0.2, data: "data/toy" },
});

const layer = (values: Layer["values"]): Layer => ({
  label: (name) => `--${name}`,
  origin: () => "flag",
  values,
});

test("a data set's own defaults go before those of an option and of a model, and what is given before them", () => {
  const { options, origins } = resolveTeacher([
    layer({ batch_size: 16, model: "MobileNetV2" }),
    layer({ dataset: "toy" }),
  ]);
  const { batch_size, learning_rate, data, epochs } = options;
  assert.deepEqual(
    { batch_size, learning_rate, data, epochs },
    { batch_size: 16, learning_rate: 0.2, data: "data/toy", epochs: 240 },
  );
  assert.equal(origins.batch_size, "flag");
  assert.equal(origins.learning_rate, "default of toy");
  assert.equal(resolveTeacher([layer({})]).options.data, "data/cifar-100-binary");
});

test("an unknown data set is refused with the names that there are", () => {
  assert.throws(() => resolveTeacher([layer({ dataset: "cifar10O" })]), /cifar100/);
});
