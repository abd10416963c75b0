import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { modelNameInFile } from "#pefd/cli/modelInFile.js";
import { float32Tensor } from "#pefd/common/stateDict.js";
import { pefd } from "../../helpers/pefd.js";

const cwd = mkdtempSync(join(tmpdir(), "pefd-convert-"));
after(() => rmSync(cwd, { recursive: true }));

const TENSOR = float32Tensor(Float32Array.of(1.5, -0, Number.NaN, 3e-39), [2, 2]);
const STATE = new Map([["fc.weight", TENSOR]]);

test("there and back again, the bytes are the same", async () => {
  await writeCheckpoint(join(cwd, "a.safetensors"), STATE, { model: "resnet20", epoch: 3 });
  const there = await pefd(["convert", "a.safetensors", "b.pth"], { cwd });
  assert.deepEqual([there.exitCode, there.stderr], [0, ""]);
  assert.match(there.stdout, /1 tensor of a\.safetensors \(safetensors\) is in b\.pth/);
  assert.equal((await pefd(["convert", "b.pth", "c.safetensors"], { cwd })).exitCode, 0);
  const { state } = await readCheckpoint(join(cwd, "c.safetensors"));
  const tensors = [...state].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]]);
  assert.deepEqual(tensors, [["fc.weight", "F32", [2, 2], [...TENSOR.data]]]);
  for (const file of ["a.safetensors", "b.pth", "c.safetensors"]) {
    assert.equal(await modelNameInFile(join(cwd, file)), "resnet20", file);
  }
});

test("an existing file is replaced with --force only", async () => {
  await writeCheckpoint(join(cwd, "in.safetensors"), STATE);
  writeFileSync(join(cwd, "out.pth"), "mine");
  const { exitCode, stderr } = await pefd(["convert", "in.safetensors", "out.pth"], { cwd });
  assert.match(stderr, /out\.pth already exists[\s\S]*--force/);
  assert.equal(exitCode, 2);
  assert.equal(readFileSync(join(cwd, "out.pth"), "utf8"), "mine");
  assert.equal((await pefd(["convert", "in.safetensors", "out.pth", "--force"], { cwd })).exitCode, 0);
  assert.notEqual(readFileSync(join(cwd, "out.pth"), "utf8"), "mine");
});

test("what cannot be converted is named, and nothing is written", async () => {
  writeFileSync(join(cwd, "text.pth"), "hello");
  for (const [typed, sentence] of [
    ["convert", /pefd convert needs IN OUT/],
    ["convert text.pth", /needs IN OUT/],
    ["convert text.pth new.safetensors", /text\.pth/],
    ["convert none.pth new.safetensors", /no file none\.pth/],
    ["convert in.safetensors new.bin", /new\.bin ends in \.bin/],
    ["convert in.safetensors new.onnx", /model of in\.safetensors[\s\S]*LiteRT\) needs it[\s\S]*--model/],
  ] as const) {
    const { exitCode, stderr } = await pefd(typed.split(" "), { cwd });
    assert.match(stderr, sentence);
    assert.equal(exitCode, 2);
  }
  for (const file of ["new.safetensors", "new.bin", "new.onnx"]) assert.ok(!existsSync(join(cwd, file)));
});
