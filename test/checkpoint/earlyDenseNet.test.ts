import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { float32Tensor } from "#pefd/common/stateDict.js";
import { goldenLayout } from "../helpers/formula.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const LAYER = "features.denseblock1.denselayer12";

async function namesAfterReading(path: string, names: readonly string[]): Promise<string[]> {
  const state = names.map((name, i) => [name, float32Tensor(Float32Array.of(i), [1])] as const);
  await writeCheckpoint(path, new Map(state));
  const read = await readCheckpoint(path);
  const order = [...read.state.values()].map(({ data }) => new Float32Array(data.slice().buffer)[0]);
  assert.deepEqual(order, [...names.keys()], "every tensor keeps its place");
  return [...read.state.keys()];
}

test("the names of torchvision's early densenet files become those of today", async (t) => {
  const path = join(temporaryFolder(t), "densenet.pth");
  const layout = goldenLayout("densenet201").map(([name]) => name);
  const early = layout.map((name) => name.replace(/(denselayer\d+\.(?:norm|conv))([12]\.)/, "$1.$2"));
  assert.ok(early.includes(`${LAYER.replace("12", "1")}.norm.1.running_mean`));
  assert.deepEqual(await namesAfterReading(path, early), layout);
});

test("names that only look alike stay, and no tensor is lost to another of its name", async (t) => {
  const path = join(temporaryFolder(t), "other.pth");
  const names = [`${LAYER}.norm.3.weight`, "layer1.norm.1.weight", `${LAYER}.conv1.weight`];
  assert.deepEqual(await namesAfterReading(path, names), names);
  const both = [`${LAYER}.norm1.weight`, `${LAYER}.norm.1.weight`];
  assert.deepEqual(await namesAfterReading(path, both), both);
});
