import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { modelNames } from "#pefd/models/registry.js";
import { stateLayout } from "#pefd/models/survey.js";
import { rowName } from "../golden/compare/timmCheck.js";
import { goldenLayout } from "../helpers/formula.js";
import { GOLDEN } from "../helpers/paths.js";

const files = readdirSync(join(GOLDEN, "models")).filter((file) => file.endsWith(".json"));
/** Models by file: one may have several, for images of other sizes. */
const golden = new Map(
  files.map((file) => {
    const { name } = JSON.parse(readFileSync(join(GOLDEN, "models", file), "utf8"));
    return [basename(file, ".json"), rowName(name)];
  }),
);
/** Classes that the golden files of models for larger images have. */
const classesOf = (layout: ReturnType<typeof goldenLayout>) => layout.at(-1)?.[1][0] as number;

for (const [file, name] of golden) {
  test(`${file}: PyTorch's tensors, by name, shape and order`, () => {
    const expected = goldenLayout(file);
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
    [...golden.values()].filter((name) => !known.has(name)),
    [],
  );
  assert.ok(golden.size > 10);
});
