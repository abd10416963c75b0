import { relu } from "../../nn/activation.js";
import { batchNorm, convolution } from "../../nn/layers.js";
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "../../runtime/tf.js";
import { defineMethod } from "../method.js";
import { SIM_KD } from "../papers.js";
import { teacherClassifier } from "../teacherClassifier.js";

const meanSquare = (x: Tensor, y: Tensor): Scalar => tf.mean(tf.square(tf.sub(x, y)));

/** SRRL: the student's vector, connected, is to be the teacher's, and to mean the same to the teacher's classifier. */
export const srrl = defineMethod({
  name: "srrl",
  summary:
    "mean squared error of vectors, and of what the teacher's classifier makes of them (SRRL)",
  paper:
    "Yang et al., Knowledge Distillation via Softmax Regression Representation Learning, ICLR 2021",
  code: SIM_KD,
  formula: "mean of (h - p_t)^2 + mean of (fc_t(h) - z_t)^2, h = relu(bn(W p_s))",
  traps: [
    "The teacher's classifier is frozen, and the gradient passes through it.",
    "The authors' own code for ImageNet connects the map before it is pooled; this is the toolbox's version for CIFAR-100.",
  ],
  weights: { gamma: 1, alpha: 1, beta: 1 },
  options: {},
  terms: ["feature", "regression"],
  sees: () => ["pooled", "logits"],
  build(pair, _options, make) {
    const [inputs, outputs] = [pair.student.pooled, pair.teacher.pooled];
    const shape = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
    const connect = convolution(make, "srrl.transfer.0", shape);
    const norm = batchNorm(make, "srrl.transfer.1", outputs);
    const classifier = teacherClassifier(pair);
    return {
      terms({ student, teacher }, context) {
        const map = tf.reshape(student.pooled, [-1, 1, 1, inputs]) as Tensor4D;
        const connected = relu(norm(connect(map), context));
        const vector = tf.reshape(connected, [-1, outputs]) as Tensor2D;
        return {
          feature: meanSquare(vector, teacher.pooled),
          regression: meanSquare(classifier.logits(vector), teacher.logits),
        };
      },
    };
  },
});
