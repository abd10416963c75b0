import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import type { DistillOptions } from "#pefd/config/options.js";
import type { StepContext } from "#pefd/distill/method.js";
import { methodRow } from "#pefd/distill/registry.js";
import { gradientsOf } from "#pefd/learn/learner.js";
import { buildModel } from "#pefd/models/build.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { RunResult } from "#pefd/train/files/result.js";
import { openFrozen } from "#pefd/train/openModel.js";
import { opened } from "../distill/fakes.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, silentHooks, smallData } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const PEERS = ["resnet14", "resnet8"];

const options = (folder: string, name: string, changes: Partial<DistillOptions> = {}): DistillOptions =>
  distillOptions(folder, {
    distill: "dml",
    dml_peers: PEERS.join("+"),
    path_t: undefined,
    model_t: undefined,
    beta: 1,
    tb_freq: 1,
    save_dir: join(folder, name),
    ...changes,
  });

/** The weights of student and peers, without what files say beside them. */
async function weightsOf({ runDir, weightsSha256 }: RunResult): Promise<string[]> {
  const task = { name: "cifar100", numClasses: 100 };
  const peers = PEERS.map((name, i) =>
    openFrozen(join(runDir, `peer${i + 1}`, `${name}_last.safetensors`), name, task),
  );
  const found = await Promise.all(peers);
  for (const { variables } of found) tf.dispose([...variables]);
  return [weightsSha256, ...found.map((peer) => peer.weightsSha256)];
}

test("dml: every model is saved and evaluated; a stopped run goes on to the same bytes, graph is eager", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const tensors = tf.memory().numTensors;
  const whole = await runDistill(options(folder, "whole"), silentHooks());
  assert.equal(tf.memory().numTensors, tensors);
  assert.match(basename(whole.runDir), /^S:resnet8_T:none_cifar100_dml_.*_dml_peers:resnet14\+resnet8$/);
  assert.deepEqual(
    whole.peers?.map(({ model }) => model),
    PEERS,
  );
  const told = JSON.parse(readFileSync(join(whole.runDir, "result.json"), "utf8"));
  assert.deepEqual(told.peers, whole.peers);
  const weights = await weightsOf(whole);
  assert.equal(new Set(weights).size, 3);

  await assert.rejects(runDistill(options(folder, "stopped"), hooksStoppingAfter(2, 1)), { message: "stopped" });
  const resumed = await runDistill(options(folder, "stopped", { resume: true }), silentHooks());
  assert.deepEqual(await weightsOf(resumed), weights);
  assert.deepEqual(resumed.peers, whole.peers);
  const eager = await runDistill(options(folder, "eager", { engine: "eager" }), silentHooks());
  assert.deepEqual(await weightsOf(eager), weights);
});

const CODE = `
import json, sys, torch, torch.nn.functional as F
given = json.loads(sys.stdin.read() if len(sys.argv) < 2 else sys.argv[1])
z = [torch.tensor(one, requires_grad=True) for one in given["logits"]]
labels = torch.tensor(given["labels"])
def mutual(k):
    others = [l for l in range(len(z)) if l != k]
    kl = [F.kl_div(F.log_softmax(z[k], 1), F.softmax(z[l].detach(), 1), reduction="batchmean") for l in others]
    return sum(kl) / len(others)
own = mutual(0)
rest = sum(F.cross_entropy(z[k], labels) + mutual(k) for k in range(1, len(z)))
(own + rest).backward()
print(json.dumps({"mutual": own.item(), "peers": rest.item(), "gradients": [one.grad.tolist() for one in z]}))
`;

test("dml: terms and each model's gradient are PyTorch's", { skip: missingPython("torch") }, () => {
  const method = opened(methodRow("dml"), { dml_peers: PEERS.join("+") });
  const labels = [0, 3, 1, 4];
  const oneHot = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, "int32"), 5).toFloat()) as Tensor2D;
  const images = tf.tidy(() => tf.randomNormal([4, 32, 32, 3], 0, 1, "float32", 7)) as Tensor4D;
  const student = tf.tidy(() => tf.variable(tf.randomNormal([4, 5], 0, 2, "float32", 8)));
  const context = () => ({ training: true, updates: [] });
  const logits = (method.peers ?? []).map(({ forward }) => tf.tidy(() => forward(images, context()).logits));
  const bias = (i: number) => method.state.find(({ name }) => name === `peers.${i}.fc.bias`)?.variable;
  const variables = [student, bias(0), bias(1)].filter((one) => one !== undefined);
  const { gradients, kept } = gradientsOf(() => {
    const at = { student: { logits: student as Tensor } as ModelOutput, images, oneHot } as StepContext;
    const { mutual, peers } = method.terms(at, context()) as { mutual: Scalar; peers: Scalar };
    const loss = tf.add(mutual, peers) as Scalar;
    return { loss, kept: { mutual, peers }, tensors: [mutual, peers] };
  }, variables);
  const given = { logits: [student, ...logits].map((one) => one.arraySync()), labels };
  const expected = JSON.parse(runPython(CODE, [JSON.stringify(given)]));
  const near = (found: number, value: number, what: string) =>
    assert.ok(Math.abs(found - value) <= 1e-4 * Math.max(Math.abs(value), 1e-2), `${what}: ${found}, not ${value}`);
  near(kept.mutual.dataSync()[0] as number, expected.mutual, "mutual");
  near(kept.peers.dataSync()[0] as number, expected.peers, "peers");
  const [own, ...others] = expected.gradients as number[][][];
  const found = gradients.map((gradient) => Array.from((gradient as Tensor).dataSync()));
  for (const [i, value] of (own ?? []).flat().entries()) {
    near(found[0]?.[i] as number, value, `student's gradient ${i}`);
  }
  // A classifier's bias has the sum of its logits' gradients over the batch.
  others.forEach((rows, peer) => {
    for (let c = 0; c < 5; c++) {
      const sum = rows.reduce((all, row) => all + (row[c] as number), 0);
      near(found[peer + 1]?.[c] as number, sum, `gradient ${c} of peer ${peer}`);
    }
  });
});

test("a peer's tensors are those of its model, under names of their own", () => {
  const { state } = opened(methodRow("dml"), { dml_peers: "resnet8" });
  const model = buildModel("resnet8", 5, "zeros");
  const named = (name: string) => `peers.0.${name}`;
  assert.deepEqual(
    state.map(({ name, shape }) => [name, shape]),
    model.state.map(({ name, shape }) => [named(name), shape]),
  );
});
