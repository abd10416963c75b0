import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { goldenLayout } from "../helpers/formula.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "./runs.js";

/**
 * A torch module with exactly the parameters and buffers of a layout of PyTorch's own; strict loading then says
 * whether a real model of it would take the file.
 */
const LOAD = `
import json, sys, torch
from safetensors.torch import load_file

path, layout = sys.argv[1], json.loads(sys.argv[2])
model = torch.nn.Module()
for name, shape, role in layout:
    *parents, leaf = name.split(".")
    place = model
    for parent in parents:
        if not hasattr(place, parent):
            place.add_module(parent, torch.nn.Module())
        place = getattr(place, parent)
    dtype = torch.int64 if role == "bn.num_batches_tracked" else torch.float32
    place.register_buffer(leaf, torch.zeros(shape, dtype=dtype))

state = load_file(path)
assert [str(state[name].dtype) for name, _, role in layout if role == "bn.num_batches_tracked"][0] == "torch.int64"
model.load_state_dict(state, strict=True)
print(json.dumps({"tracked": int(state["bn1.num_batches_tracked"]), "finite": all(bool(torch.isfinite(v.double()).all()) for v in state.values())}))
`;

const python = { skip: missingPython("torch", "safetensors") };

test("PyTorch loads a trained student strictly", python, async (t) => {
  loadTensorFlow();
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = distillOptions(folder, { model_s: "resnet8x4", epochs: 1 });
  const { runDir } = await runDistill(options, silentHooks());
  const path = join(runDir, "resnet8x4_last.safetensors");
  const layout = JSON.stringify(goldenLayout("resnet8x4"));
  assert.deepEqual(JSON.parse(runPython(LOAD, [path, layout])), { tracked: 3, finite: true });
});
