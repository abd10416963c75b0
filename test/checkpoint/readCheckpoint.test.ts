import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { stateSha256 } from "#pefd/checkpoint/seal.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import type { StateDict, StateTensor } from "#pefd/common/stateDict.js";
import { formulaState } from "../helpers/formula.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** One tensor of each element type, with bits that no conversion would keep, a scalar and an empty one. */
const mixedState: StateDict = new Map<string, StateTensor>(
  (["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8"] as const).map((dtype, i) => {
    const data = Uint8Array.from({ length: 48 }, (_, byte) => (byte * 37 + i * 11 + 255) % 256);
    const size = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2, I8: 1, U8: 1 }[dtype];
    return [`${dtype}.weight`, { dtype, shape: [2, 24 / size], data }] as const;
  }),
);

const full: StateDict = new Map<string, StateTensor>([
  ...mixedState,
  ["flags", { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ["bn.num_batches_tracked", { dtype: "I64", shape: [], data: new Uint8Array(8).fill(1) }],
  ["empty", { dtype: "F32", shape: [0, 4], data: new Uint8Array(0) }],
]);

const metadata = {
  epoch: 240,
  accuracy: 76.28,
  opt: { decay: [150, 180], name: "S:ü", none: null, yes: true },
  text: "240",
  small: -1e-300,
  large: 2 ** 40,
};

/** Bits and all, whatever array type holds them. */
const comparable = (state: StateDict): unknown =>
  [...state].map(([name, { dtype, shape, data }]) => [name, dtype, [...shape], [...data]]);

for (const ending of ["safetensors", "pth"]) {
  test(`.${ending}: a round trip keeps names, order, types, bits and metadata`, async (t) => {
    const path = join(temporaryFolder(t), `x.${ending}`);
    await writeCheckpoint(path, full, metadata);
    const back = await readCheckpoint(path);
    assert.equal(back.path, path);
    assert.equal(back.format, ending === "pth" ? "pth-zip" : ending);
    assert.deepEqual(comparable(back.state), comparable(full));
    assert.deepEqual(back.metadata, metadata);
    assert.equal(stateSha256(back.state), stateSha256(full));
  });

  test(`.${ending}: equal input gives equal bytes, and only the file is left`, async (t) => {
    const folder = temporaryFolder(t);
    await writeCheckpoint(join(folder, `a.${ending}`), full, metadata);
    const first = await readFile(join(folder, `a.${ending}`));
    await writeCheckpoint(join(folder, `a.${ending}`), new Map(full), { ...metadata });
    assert.deepEqual(await readFile(join(folder, `a.${ending}`)), first);
    assert.deepEqual(await readdir(folder), [`a.${ending}`]);
  });
}

test("pth to safetensors to pth gives the same bytes for a whole model", async (t) => {
  const folder = temporaryFolder(t);
  const [a, b, c] = ["a.pth", "b.safetensors", "c.pth"].map((name) => join(folder, name));
  assert.ok(a && b && c);
  await writeCheckpoint(a, formulaState("resnet8x4"), { epoch: 1, model: "resnet8x4" });
  const first = await readCheckpoint(a);
  assert.deepEqual(first.metadata, { epoch: 1, model_name: "resnet8x4" });
  await writeCheckpoint(b, first.state, first.metadata);
  const second = await readCheckpoint(b);
  await writeCheckpoint(c, second.state, second.metadata);
  assert.deepEqual(await readFile(c), await readFile(a));
});

test("the content decides, not the name, and module. prefixes go", async (t) => {
  const folder = temporaryFolder(t);
  const wrapped = new Map([...full].map(([name, tensor]) => [`module.module.${name}`, tensor]));
  await writeCheckpoint(join(folder, "a.safetensors"), wrapped);
  await writeFile(join(folder, "a.pth"), await readFile(join(folder, "a.safetensors")));
  const { format, state } = await readCheckpoint(join(folder, "a.pth"));
  assert.equal(format, "safetensors");
  assert.deepEqual([...state.keys()], [...full.keys()]);
});

test("a prefix that not every name has stays", async (t) => {
  const path = join(temporaryFolder(t), "a.safetensors");
  const [tensor] = full.values();
  assert.ok(tensor);
  await writeCheckpoint(
    path,
    new Map([
      ["module.a", tensor],
      ["b", tensor],
    ]),
  );
  assert.deepEqual([...(await readCheckpoint(path)).state.keys()], ["module.a", "b"]);
});

/** The message must name the file and hold each of these. */
async function refused(path: string, ...parts: string[]): Promise<void> {
  await assert.rejects(readCheckpoint(path), (error) => {
    assert.ok(error instanceof PefdError, String(error));
    assert.equal(error.exitCode, 2);
    for (const part of [path, ...parts]) assert.ok(error.message.includes(part), error.message);
    return true;
  });
}

test("what is no checkpoint is refused with its name, its size and what was expected", async (t) => {
  const folder = temporaryFolder(t);
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  await mkdir(join(folder, "dir.pth"));
  await refused(join(folder, "nowhere.pth"), "There is no file");
  await refused(join(folder, "dir.pth"), "is a folder");
  await refused("/dev/zero", "is a device, not a regular file");
  await refused(await file("empty.pth", ""), "(0 bytes)", "it is empty");
  await refused(await file("text.pth", "hello\n"), "(6 bytes)", 'begins with "hello\\n"', "PyTorch");
  await refused(await file("binary.pth", Uint8Array.of(1, 2, 3)), "(3 bytes)", "010203");
  await refused(join(await file("x.txt", "x"), "below.pth"), "There is no file");
});

test("cut checkpoints of each kind are refused", async (t) => {
  const folder = temporaryFolder(t);
  for (const ending of ["safetensors", "pth"]) {
    const path = join(folder, `a.${ending}`);
    await writeCheckpoint(path, full);
    const whole = await readFile(path);
    for (const size of [9, 100, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, size));
      await refused(path, `(${size} bytes)`);
    }
  }
});

test("an ending that names no format is refused before anything is written", async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["a.pt2", "a", "a.safetensor"])
    await assert.rejects(writeCheckpoint(join(folder, name), full), /names no checkpoint format/);
  await assert.rejects(writeCheckpoint(join(folder, "a.pth"), full, { f: () => 1 }), /type function/);
  assert.deepEqual(await readdir(folder), []);
});
