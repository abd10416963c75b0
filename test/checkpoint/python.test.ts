import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { StateDict, StateTensor } from "#pefd/common/stateDict.js";
import { formulaState } from "../helpers/formula.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const skip = missingPython("torch", "numpy", "safetensors.torch");

/** Writes one state_dict with every type and kind of view, in every way torch.save knows; prints its bytes. */
const SAVE = `
import argparse, json, sys, numpy, torch, safetensors.torch
from collections import OrderedDict
torch.manual_seed(0)
base = torch.randn(4, 6)
state = OrderedDict()
for t in ['float64', 'float32', 'float16', 'bfloat16']:
    state[t] = torch.randn(3, 5).to(getattr(torch, t))
for t in ['int64', 'int32', 'int16', 'int8', 'uint8']:
    state[t] = torch.randint(0, 100, (3, 5)).to(getattr(torch, t))
state['bool'] = torch.tensor([True, False, True])
state['halves'] = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16).view(torch.float16)
state['whole'] = base
state['transposed'] = base.t()
state['row'] = base[2]
state['column'] = base[:, 3]
state['steps'] = base[::2, 1::2]
state['expanded'] = base[0:1].expand(3, 6)
state['channels_last'] = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
state['parameter'] = torch.nn.Parameter(torch.randn(2, 2))
state['scalar'] = torch.tensor(7)
state['empty'] = torch.zeros(0, 3)
state._metadata = OrderedDict(version=1)
opt = argparse.Namespace(lr=0.05, decay=[150, 180], path='a/ü', flag=True, none=None, pair=(1, 2), some={3})
root = {'epoch': 240, 'model': state, 'best_acc': torch.tensor(76.5), 'accuracy': numpy.float64(76.28),
        'top5': numpy.float32(94.5), 'count': numpy.int64(5), 'opt': opt,
        'optimizer': {'state': {0: {'momentum_buffer': base}}, 'param_groups': [{'lr': 0.1, 'params': [0]}]}}
folder = sys.argv[1]
for protocol in [2, 3, 4, 5]:
    torch.save(root, f'{folder}/zip{protocol}.pth', pickle_protocol=protocol)
    torch.save(root, f'{folder}/legacy{protocol}.pth', pickle_protocol=protocol, _use_new_zipfile_serialization=False)
torch.save({'module.' + k: v for k, v in state.items()}, f'{folder}/bare.pth')
contiguous = {k: v.detach().contiguous().clone() for k, v in state.items()}
safetensors.torch.save_file(contiguous, f'{folder}/a.safetensors', {'format': 'pt'})
raw = lambda v: v.reshape(-1).view(torch.uint8).tolist() if v.numel() else []
print(json.dumps({'state': {k: [list(v.shape), raw(v)] for k, v in contiguous.items()},
                  'halves': contiguous['halves'].float().view(torch.int32).tolist()}))
`;

interface Saved {
  readonly state: Readonly<Record<string, readonly [shape: number[], bytes: number[]]>>;
  readonly halves: readonly number[];
}

function assertEqualBits(state: StateDict, saved: Saved["state"], file: string): void {
  assert.deepEqual([...state.keys()].sort(), Object.keys(saved).sort(), file);
  for (const [name, [shape, bytes]] of Object.entries(saved)) {
    assert.deepEqual([...(state.get(name)?.shape ?? [])], shape, `${file}: ${name}`);
    assert.deepEqual([...(state.get(name)?.data ?? [])], bytes, `${file}: ${name}`);
  }
}

const METADATA = {
  epoch: 240,
  best_acc: 76.5,
  accuracy: 76.28,
  top5: 94.5,
  count: 5,
  opt: {
    lr: 0.05,
    decay: [150, 180],
    path: "a/ü",
    flag: true,
    none: null,
    pair: [1, 2],
    some: [3],
  },
};

test("whatever Python saves, in each protocol and format, is read bit for bit", {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  const saved = JSON.parse(runPython(SAVE, [folder])) as Saved;
  for (const protocol of [2, 3, 4, 5]) {
    for (const format of ["zip", "legacy"]) {
      const file = `${format}${protocol}.pth`;
      const checkpoint = await readCheckpoint(join(folder, file));
      assert.equal(checkpoint.format, `pth-${format}`);
      assertEqualBits(checkpoint.state, saved.state, file);
      assert.deepEqual(checkpoint.metadata, METADATA, file);
    }
  }
  const bare = await readCheckpoint(join(folder, "bare.pth"));
  assertEqualBits(bare.state, saved.state, "bare.pth");
  const safetensors = await readCheckpoint(join(folder, "a.safetensors"));
  assertEqualBits(safetensors.state, saved.state, "a.safetensors");
  assert.deepEqual(safetensors.metadata, { format: "pt" });
  const halves = toFloat32(bare.state.get("halves") as StateTensor);
  const wanted = new Float32Array(Int32Array.from(saved.halves).buffer);
  assert.deepEqual([...halves], [...wanted]);
});

/** Opens both files strictly and prints every tensor's type, shape and bytes, and the metadata. */
const LOAD = `
import json, sys, torch, safetensors, safetensors.torch
def show(state):
    raw = lambda v: v.reshape(-1).view(torch.uint8).numpy().tobytes().hex() if v.numel() else ''
    return [[k, str(v.dtype), list(v.shape), raw(v)] for k, v in state.items()]
root = torch.load(sys.argv[1], weights_only=True)
mapped = torch.load(sys.argv[1], weights_only=True, mmap=True)
tensors = safetensors.torch.load_file(sys.argv[2])
with safetensors.safe_open(sys.argv[2], 'pt') as f: metadata = f.metadata()
print(json.dumps({'pth': show(root.pop('model')), 'mapped': show(mapped['model']),
                  'safetensors': show(tensors), 'pthMetadata': root, 'safetensorsMetadata': metadata}))
`;

interface Loaded {
  readonly pth: readonly unknown[][];
  readonly mapped: readonly unknown[][];
  readonly safetensors: readonly unknown[][];
  readonly pthMetadata: unknown;
  readonly safetensorsMetadata: unknown;
}

const TORCH_TYPES: Readonly<Record<string, string>> = {
  F64: "torch.float64",
  F32: "torch.float32",
  F16: "torch.float16",
  BF16: "torch.bfloat16",
  I64: "torch.int64",
  I32: "torch.int32",
  I16: "torch.int16",
  I8: "torch.int8",
  U8: "torch.uint8",
  BOOL: "torch.bool",
};

const byName = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);

test("Python opens what we write (weights_only, load_file) with the same bits", {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  const files = ["a.pth", "a.safetensors"].map((name) => join(folder, name));
  const state = new Map<string, StateTensor>([
    ["odd", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ["double", { dtype: "F64", shape: [1], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    ["half", { dtype: "F16", shape: [1, 1], data: Uint8Array.of(1, 60) }],
    ["brain", { dtype: "BF16", shape: [1], data: Uint8Array.of(129, 63) }],
    ["flag", { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }],
    ["empty", { dtype: "F32", shape: [2, 0, 3], data: new Uint8Array(0) }],
    ...formulaState("resnet8x4"),
  ]);
  const metadata = { epoch: 3, accuracy: 76.28, opt: { decay: [150, -180], on: true, no: null } };
  for (const file of files) await writeCheckpoint(file, state, metadata);
  const loaded = JSON.parse(runPython(LOAD, files)) as Loaded;
  const wanted = [...state].map(([name, { dtype, shape, data }]) => [
    name,
    TORCH_TYPES[dtype],
    [...shape],
    Buffer.from(data).toString("hex"),
  ]);
  assert.deepEqual(loaded.pth, wanted);
  assert.deepEqual(loaded.mapped, wanted);
  assert.deepEqual([...loaded.safetensors].sort(byName), [...wanted].sort(byName));
  assert.deepEqual(loaded.pthMetadata, metadata);
  assert.deepEqual(loaded.safetensorsMetadata, {
    epoch: "3",
    accuracy: "76.28",
    opt: '{"decay":[150,-180],"on":true,"no":null}',
  });
});
