// A model of your own. It works unchanged:
//
//   pefd data synthesize
//   pefd train-teacher --plugin NAME.mjs --model NAME --data data/synthetic --epochs 1
//   node --test NAME.test.mjs
//
// This example has three convolutions, each with batch norm and ReLU, and a linear classifier.

import {
  batchNorm,
  convolution,
  definePlugin,
  globalAveragePool,
  insertedAt,
  kaimingNormalFanOut,
  linear,
  relu,
} from "pefd/plugin";

/** Channels of the stem, and of each stage; every stage halves height and width. */
const STEM = 16;
const STAGES = [16, 32, 64];

/** A 3x3 convolution with batch norm; the names are those of checkpoints. */
function stage(builder, name, inputs, outputs, stride) {
  const shape = { inputs, outputs, kernel: 3, stride, padding: 1 };
  const conv = convolution(builder, `${name}.conv`, shape);
  const bn = batchNorm(builder, `${name}.bn`, outputs);
  return (x, context) => {
    const beforeRelu = bn(conv(x), context);
    return { out: relu(beforeRelu), beforeRelu };
  };
}

const model = {
  // The name for --model, --model_s and --model_t.
  name: "NAME",
  family: "NAME",
  paper: "none: an example",

  // Weight initialization where it differs from PyTorch's defaults.
  initialization: { "conv.weight": kaimingNormalFanOut },

  // Creates the layers in checkpoint order.
  architecture(builder, numClasses) {
    const stem = stage(builder, "stem", 3, STEM, 1);
    const stages = STAGES.map((outputs, i) =>
      stage(builder, `stage${i + 1}`, i === 0 ? STEM : STAGES[i - 1], outputs, 2),
    );
    const featureSize = STAGES[STAGES.length - 1];
    const fc = linear(builder, "fc", featureSize, numClasses);
    return {
      featureSize,
      // Images are NHWC. Methods use the returned outputs.
      forward(images, context) {
        const first = stem(images, context);
        const maps = [];
        let x = first.out;
        for (const next of stages) {
          const map = next(x, context);
          maps.push(map);
          x = map.out;
        }
        // Some methods insert layers after the last stage, here.
        const { out, ...shown } = insertedAt(x, context);
        const pooled = globalAveragePool(out);
        return { stem: first, maps, pooled, logits: fc(pooled), ...shown };
      },
    };
  },
};

export default definePlugin({ models: [model] });
