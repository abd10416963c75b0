import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { buildModel } from "#pefd/models/build.js";
import { modelRow } from "#pefd/models/registry.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { loadState, tensorsFor } from "#pefd/train/files/stateFiles.js";
import { formulaValues, signedValue } from "../golden/compare/formula.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const skip = missingPython("torch", "numpy");

const SIDE = 64;
const SHAPE = [2, 3, SIDE, SIDE] as const;
const KEY = 77;

const NETWORKS = `
import sys, json, torch
sys.path.insert(0, sys.argv[1])
from golden_models import Block, Bottleneck, ResNet, signed
def network(name, classes):
    kind, depths = {'RESNET18': (Block, (2, 2, 2, 2)), 'RESNET34': (Block, (3, 4, 6, 3)), 'RESNET50': (Bottleneck, (3, 4, 6, 3))}[name]
    return ResNet(kind, depths, classes)
`;

/**
 * Writes a network of random values as torchvision publishes it (with and without counters, in both formats), and as
 * programs keep it that train with several GPUs; prints its logits.
 */
const SAVE = `${NETWORKS}
torch.manual_seed(1)
name, folder = sys.argv[2], sys.argv[3]
net = network(name, 10).eval()
for module in net.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.weight.data.uniform_(.5, 1.5); module.bias.data.normal_(0, .2)
        module.running_mean.normal_(0, .2); module.running_var.uniform_(.5, 1.5); module.num_batches_tracked.fill_(7)
state = net.state_dict()
early = type(state)((k, v) for k, v in state.items() if not k.endswith('num_batches_tracked'))
torch.save(early, folder + '/legacy.pth', _use_new_zipfile_serialization=False)
torch.save(state, folder + '/bare.pth')
wrapped = {'module.' + k: v for k, v in state.items()}
torch.save({'epoch': 3, 'model': wrapped, 'best_acc': 70.5, 'optimizer': {}}, folder + '/model.pth')
torch.save({'state_dict': wrapped, 'arch': 'resnet'}, folder + '/state_dict.pth')
torch.save(wrapped, folder + '/wrapped.pth')
with torch.no_grad(): logits, _, _ = net((signed(${KEY}, ${JSON.stringify(SHAPE)}) * 2).float())
print(json.dumps(logits.tolist()))
`;

const FILES = ["legacy", "bare", "model", "state_dict", "wrapped"];

/** Loads a file that pefd wrote into the network, strictly, and says whether every tensor is the one that was saved. */
const LOAD = `${NETWORKS}
name, saved, converted = sys.argv[2:]
net = network(name, 10)
net.load_state_dict(torch.load(converted, weights_only=True)['model'], strict=True)
before = torch.load(saved, weights_only=True)
same = all(torch.equal(before[k], v) and before[k].dtype == v.dtype for k, v in net.state_dict().items())
print(json.dumps([same, list(net.state_dict()) == list(before)]))
`;

const images = (): Tensor4D => {
  const values = formulaValues(SHAPE, (i) => signedValue(KEY, i) * 2);
  return tf.transpose(tf.tensor4d(values, [...SHAPE]), [0, 2, 3, 1]);
};

async function logitsOf(path: string, modelName: string): Promise<Float32Array> {
  const { state } = await readCheckpoint(path);
  const model = buildModel(modelName, 10, "zeros");
  loadState(model.state, tensorsFor(model.state, state, { path, modelName }), { path, modelName });
  const logits = tf.tidy(
    () => model.forward(images(), { training: false, updates: [] }).logits.dataSync() as Float32Array,
  );
  for (const { variable } of model.state) variable?.dispose();
  return logits;
}

describe("torchvision's ResNets", { skip }, () => {
  before(() => loadTensorFlow());

  const { cases, rest } = casesOf(["RESNET18", "RESNET50", "RESNET34"], 1, 2);
  for (const name of cases) {
    it(`${name}: opens however it was saved, computes PyTorch's logits, and goes back`, async (t) => {
      const folder = temporaryFolder(t);
      const scripts = join(ROOT, "scripts");
      const expected = (JSON.parse(runPython(SAVE, [scripts, name, folder])) as number[][]).flat();
      const scale = Math.max(...expected.map(Math.abs));
      for (const file of FILES) {
        const logits = await logitsOf(join(folder, `${file}.pth`), name);
        expected.forEach((value, i) => {
          const off = Math.abs((logits[i] as number) - value);
          assert.ok(off < 1e-4 * scale, `${file}, logit ${i}: ${logits[i]} and ${value}`);
        });
      }
      // Called as torchvision calls it, the file tells its model.
      const own = join(folder, `${modelRow(name).torchvision}-0123abcd.pth`);
      for (const [from, to] of [
        [join(folder, "wrapped.pth"), own],
        [own, join(folder, "own.safetensors")],
        [join(folder, "own.safetensors"), join(folder, "back.pth")],
      ] as const) {
        const { exitCode, stderr } = await pefd(["convert", from, to], { cwd: folder });
        assert.equal(exitCode, 0, stderr);
      }
      for (const converted of [own, join(folder, "back.pth")]) {
        const loaded = runPython(LOAD, [scripts, name, join(folder, "bare.pth"), converted]);
        assert.deepEqual(JSON.parse(loaded), [true, true], converted);
      }
      const graph = await pefd(["convert", own, "graph", "--to", "savedmodel"], { cwd: folder });
      assert.equal(graph.exitCode, 0, graph.stderr);
    });
  }

  tellRest(rest);
});
