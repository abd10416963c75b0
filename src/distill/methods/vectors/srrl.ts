import { choice } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import { meanSquaredError } from "../../../nn/gradients.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ModelOutput } from "../../../nn/model.js";
import { globalAveragePool } from "../../../nn/pool.js";
import { type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type FeatureShapes, SIM_KD } from "../../method.js";
import { teacherClassifier } from "../../parts/classMaps.js";

type Connected = "vector" | "map";

interface Source {
  channels(student: FeatureShapes): number;
  /** As a map [N, H, W, C]; a vector is one pixel. */
  of(student: ModelOutput): Tensor4D;
}

const SOURCES: Readonly<Record<Connected, Source>> = {
  vector: {
    channels: ({ pooled }) => pooled,
    of: ({ pooled }) => tf.reshape(pooled, [pooled.shape[0], 1, 1, pooled.shape[1]]),
  },
  map: {
    channels: ({ maps }) => maps.at(-1)?.[2] as number,
    of: ({ maps }) => maps.at(-1)?.out as Tensor4D,
  },
};

/** SRRL: the student's connected vector matches the teacher's, also through the teacher's classifier. */
export const srrl = defineMethod({
  name: "srrl",
  summary: "mean squared error of vectors, and of what the teacher's classifier makes of them (SRRL)",
  paper: "Yang et al., Knowledge Distillation via Softmax Regression Representation Learning, ICLR 2021",
  code: SIM_KD,
  formula: "mean of (h - p_t)^2 + mean of (fc_t(h) - z_t)^2, h = relu(bn(W p_s))",
  traps: [
    "The teacher's classifier is frozen, and the gradient passes through it.",
    "The authors' own code, for ImageNet, connects the map: `--srrl_connector map`. The toolbox's, for CIFAR-100, the vector.",
  ],
  weights: { gamma: 1, alpha: 1, beta: 1 },
  options: {
    srrl_connector: choice<Connected, Connected>(
      ["vector", "map"],
      "vector",
      "What is connected: the pooled vector, or the last map before it is pooled.",
      { touches: "numbers" },
    ),
  },
  terms: ["feature", "regression"],
  sees: () => ["pooled", "logits"],
  build(pair, { srrl_connector }, make) {
    const source = SOURCES[srrl_connector];
    const [inputs, outputs] = [source.channels(pair.student), pair.teacher.pooled];
    const shape = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
    const connect = convolution(make, "srrl.transfer.0", shape);
    const norm = batchNorm(make, "srrl.transfer.1", outputs);
    const classifier = teacherClassifier(pair);
    return {
      terms({ student, teacher }, context) {
        const connected = relu(norm(connect(source.of(student)), context));
        const vector = globalAveragePool(connected);
        return {
          feature: meanSquaredError(vector, teacher.pooled),
          regression: meanSquaredError(classifier.logits(vector), teacher.logits),
        };
      },
    };
  },
});
