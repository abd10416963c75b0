import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { modelNames } from "#pefd/models/registry.js";
import { stateLayout } from "#pefd/models/survey.js";
import { goldenLayout } from "../helpers/formula.js";
import { GOLDEN } from "../helpers/paths.js";

const files = readdirSync(join(GOLDEN, "models")).filter((file) => file.endsWith(".json"));
const golden = new Set(files.map((file) => basename(file, ".json")));
/** Classes that the golden files of models for larger images have. */
const classesOf = (layout: ReturnType<typeof goldenLayout>) => layout.at(-1)?.[1][0] as number;

for (const name of modelNames().filter((name) => golden.has(name))) {
  test(`${name} has PyTorch's tensors, by name, shape and order`, () => {
    const expected = goldenLayout(name);
    const own = stateLayout(name, classesOf(expected));
    assert.deepEqual(
      own.map(({ name, shape, role }) => [name, [...shape], role]),
      expected.map((row) => [...row]),
    );
  });
}

test("every golden file is of a model of the registry", () => {
  const known = new Set(modelNames());
  assert.deepEqual(
    [...golden].filter((name) => !known.has(name)),
    [],
  );
  assert.ok(golden.size > 10);
});
