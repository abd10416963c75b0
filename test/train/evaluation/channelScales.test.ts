import assert from "node:assert/strict";
import { before, test } from "node:test";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { REDUCED_PRODUCTS } from "#pefd/runtime/ownModule.js";
import { ownReducedProducts } from "#pefd/runtime/ownOps.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { evaluateModel } from "#pefd/train/evaluation.js";
import { streamedSource } from "#pefd/train/source.js";
import { noiseImages } from "../../compile/scenes.js";

// Scales of channels that make up for each other, between a block's convolutions, change nothing but the numbers in
// between: every second channel is multiplied, the others are divided.

const [MODEL, CLASSES, IMAGES] = ["resnet8x4", 100, 100] as const;

before(() => {
  loadTensorFlow();
});

/** A model of random weights, with such scales. */
function scaledModel(scale: number) {
  const model = buildModel(MODEL, CLASSES, initialFill(MODEL, 3, "student"));
  const named = new Map(model.state.map(({ name, variable }) => [name, variable]));
  for (const [name, gain] of named) {
    const block = /^(layer\d\.\d)\.bn1\.weight$/.exec(name)?.[1];
    const [offset, filter] = [`${block}.bn1.bias`, `${block}.conv2.weight`].map((n) => named.get(n));
    if (!gain || !offset || !filter) continue;
    const channels = gain.shape[0] as number;
    const scales = Array.from({ length: channels }, (_, i) => (i % 2 === 0 ? scale : 1 / scale));
    gain.assign(tf.mul(gain, tf.tensor1d(scales)));
    offset.assign(tf.mul(offset, tf.tensor1d(scales)));
    filter.assign(tf.div(filter, tf.tensor4d(scales, [1, 1, channels, 1])));
  }
  return model;
}

async function evaluated(scale: number, precision: "float32" | "bfloat16") {
  const model = scaledModel(scale);
  const [constants, notices] = [variablesOf(model.state), [] as string[]];
  const source = streamedSource(noiseImages(IMAGES, 1));
  const subject = { model, constants, test: source };
  const choice = { engine: "graph", precision, device: "" } as const;
  const notice = (text: string) => notices.push(text);
  const ended = await evaluateModel(subject, choice, undefined, { notice });
  tf.dispose(constants);
  return { loss: (ended ?? assert.fail()).loss, notices };
}

test("convolutions whose channel scales int16 cannot represent run in float32, with a notice", async (t) => {
  if (ownReducedProducts() !== REDUCED_PRODUCTS.VNNI) {
    t.skip("this processor has no AVX-512 VNNI, or has AMX besides");
    return;
  }
  const { loss: exact } = await evaluated(1, "float32");
  const ordinary = await evaluated(1, "bfloat16");
  assert.deepEqual(ordinary.notices, [], "nobody is told of ordinary networks");
  const all = [ordinary];
  for (const scale of [10, 100, 1000]) all.push(await evaluated(scale, "bfloat16"));
  const errors = all.map(({ loss }) => Math.abs(loss / exact - 1));
  t.diagnostic(errors.map((error) => error.toExponential(1)).join(" "));
  for (const error of errors) assert.ok(error < 1e-4, errors.join(" "));
  const notices = all.flatMap((one) => one.notices);
  assert.equal(notices.length, 1, "once a process");
  assert.match(notices[0] as string, /3x3 from 64 to 64 channels.*float32.*int16/);
});
