import { choice } from "../../../common/optionRow.js";
import { modelRow, sideOf } from "../../../models/registry.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { detached } from "../../../nn/gradients.js";
import type { Model } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { namesIn } from "../../combination.js";
import { defineMethod, type Pair } from "../../method.js";
import { crossEntropy, distillKL } from "../../parts/losses.js";

/** A new model of images, with its own initial values, whose tensors are the method's. */
function peer(make: ModelBuilder, name: string, i: number, { numClasses, imageSize }: Pair): Model {
  const row = modelRow(name);
  const { initialization, architecture } = row;
  const prefix = `peers.${i}.`;
  const makeVariable: ModelBuilder["makeVariable"] = (tensor, shape) => {
    const initializer = tensor.initializer ?? initialization[tensor.role];
    return make.makeVariable({ ...tensor, ...(initializer && { initializer }), name: prefix + tensor.name }, shape);
  };
  const builder: ModelBuilder = { ...make, makeVariable, state: [], folds: [] };
  const { featureSize, forward } = architecture(builder, numClasses, sideOf(row, imageSize));
  make.state.push(...builder.state.map((entry) => ({ ...entry, name: prefix + entry.name })));
  return { name, numClasses, featureSize, state: builder.state, forward };
}

/** Mean over the other models of KL(their probabilities, this one's), logits [N, C]; no gradient through theirs. */
function imitation(all: readonly Tensor2D[], own: number): Tensor {
  const others = all.filter((_, i) => i !== own);
  const sum = others
    .map((theirs): Tensor => distillKL(all[own] as Tensor2D, detached(theirs), 1))
    .reduce((total, each) => tf.add(total, each));
  return tf.div(sum, others.length);
}

/** Deep mutual learning: student and peers learn from labels and from each other, in one step. */
export const dml = defineMethod({
  name: "dml",
  summary: "students that learn together, each from the others' probabilities (DML)",
  paper: "Zhang et al., Deep Mutual Learning, CVPR 2018",
  code: "-",
  formula:
    "mean over l of KL(p_l, p_s) + sum over peers k of CE(z_k) + mean over l of KL(p_l, p_k), l: the other models",
  traps: [
    "All models move at once, from the predictions before the step; the paper's algorithm has one move after the other.",
    "Each has momentum buffers of its own. Their probabilities are at temperature 1 and in training mode.",
    "The published pairs have no golden file, as the authors' code is not in PyTorch; a test compares with PyTorch.",
  ],
  golden: [],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    dml_peers: choice<string, string>(
      "models",
      "resnet8x4",
      "Models that learn beside the student; several joined with +.",
      {
        several: true,
        defaultText: "the student's",
        touches: "numbers",
      },
    ),
  },
  ofStudent: ({ student }) => ({ dml_peers: student }),
  teacherFree: true,
  leastImages: 2,
  terms: ["mutual", "peers"],
  sees: () => [],
  build(pair, { dml_peers }, make) {
    const peers = namesIn(dml_peers).map((name, i) => peer(make, name, i, pair));
    return {
      peers,
      terms({ images, student, oneHot }, context) {
        const theirs = peers.map(({ forward }) => forward(images, context).logits);
        const all = [student.logits, ...theirs];
        const each = theirs.map((logits, i) => tf.add(crossEntropy(logits, oneHot), imitation(all, i + 1)));
        return {
          mutual: imitation(all, 0) as Scalar,
          peers: each.reduce((sum, one) => tf.add(sum, one)) as Scalar,
        };
      },
    };
  },
});
