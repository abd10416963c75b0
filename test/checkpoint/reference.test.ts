import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { matchState } from "#pefd/checkpoint/match.js";
import * as write from "#pefd/checkpoint/pickle/writer.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import { writeFileAtomic } from "#pefd/common/files/atomicFile.js";
import { formulaState, goldenLayout } from "../helpers/formula.js";
import { sharedPath } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { describedTensor, float32Bytes, LEGACY_START, pthZip } from "./pthFiles.js";

/** The option that skips a test where a file of the reference material is absent. */
const needs = (path: string | undefined): { skip: string | false } => ({
  skip: path === undefined && "the reference checkpoints are not beside the project",
});

const expected = (modelName: string) =>
  goldenLayout(modelName).map(([name, shape, role]) => ({
    name,
    shape,
    isCounter: role === "bn.num_batches_tracked",
  }));

for (const format of ["zip", "legacy"]) {
  const path = sharedPath(`reference/legacy/resnet8x4_formula_${format}.pth`);
  test(`PyTorch's ${format} file of the formula's weights equals the formula bit for bit`, needs(path), async () => {
    const checkpoint = await readCheckpoint(path as string);
    assert.equal(checkpoint.format, `pth-${format}`);
    assert.deepEqual(checkpoint.metadata, { epoch: 240, best_acc: 0 });
    const origin = { path: path as string, modelName: "resnet8x4" };
    const state = matchState(expected("resnet8x4"), checkpoint.state, origin);
    assert.deepEqual([...checkpoint.state.keys()], [...state.keys()]);
    for (const [name, tensor] of formulaState("resnet8x4")) {
      assert.equal(state.get(name)?.dtype, tensor.dtype, name);
      assert.equal(Buffer.compare(state.get(name)?.data ?? Buffer.alloc(0), tensor.data), 0, name);
    }
  });
}

const TRAINED = [
  ["resnet32x4", "reference/resnet32x4_vanilla/ckpt_epoch_240.pth", 79.38],
  ["resnet8x4", "reference/resnet8x4_ours/ckpt_epoch_240.pth", 76.28],
] as const;

for (const [modelName, file, accuracy] of TRAINED) {
  const path = sharedPath(file);
  test(`the trained ${modelName} has that model's tensors and its accuracy`, needs(path), async () => {
    const { state, metadata } = await readCheckpoint(path as string);
    const matched = matchState(expected(modelName), state, { path: file, modelName });
    assert.equal(matched.size, goldenLayout(modelName).length);
    assert.deepEqual(metadata, { epoch: 240, accuracy });
  });
}

const malicious = sharedPath("reference/legacy/malicious.pth");
test("the reference's malicious file is refused by the name it asks for", needs(malicious), async () => {
  await assert.rejects(readCheckpoint(malicious as string), (error) => {
    assert.ok(error instanceof PefdError);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /malicious\.pth .*"os\.system".* nothing was run/);
    return true;
  });
});

test("a pickled shell command does not run, in either format", async (t) => {
  const folder = temporaryFolder(t);
  const witness = join(folder, "witness");
  const command = write.call("os", "system", [write.text(`touch ${witness}`)]);
  const tensor = describedTensor({ key: "0", count: 1, shape: [1], strides: [1] });
  const root = write.dict([
    ["model", write.dict([["w", tensor]])],
    ["opt", command],
  ]);
  const zip = await pthZip(root, { "0": float32Bytes(1) });
  const legacy = Buffer.concat([LEGACY_START, write.pickle(command)]);
  for (const [name, bytes] of Object.entries({ zip, legacy })) {
    await writeFileAtomic(join(folder, `${name}.pth`), bytes);
    await assert.rejects(readCheckpoint(join(folder, `${name}.pth`)), /"os\.system"/);
  }
  assert.equal(existsSync(witness), false);
  assert.ok(readFileSync(join(folder, "zip.pth")).includes(`touch ${witness}`));
});
