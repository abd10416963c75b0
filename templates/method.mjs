// A distillation method of your own. It works unchanged:
//
//   pefd distill --plugin NAME.mjs --distill NAME --path_t TEACHER
//   node --test NAME.test.mjs
//
// This example is FitNet's hint: a learned 1x1 convolution maps a student feature map to the teacher's shape, and the
// loss is their mean squared error.

import { batchNorm, convolution, defineMethod, definePlugin, inputError, integer, relu, tf } from "pefd/plugin";

const method = defineMethod({
  // The name for --distill, in help, run folders and reports.
  name: "NAME",
  summary: "mean squared error of one map",
  paper: "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
  code: "none: written after the paper",
  formula: "mean of (relu(bn(conv f_s)) - f_t)^2, f one map",

  // The published loss weights: gamma * cross-entropy + alpha * KL + beta * terms.
  weights: { gamma: 1, alpha: 0, beta: 100 },

  // Options of the method: default, help text, bounds.
  options: {
    NAME_layer: integer(2, "The stage whose map is compared.", { min: 1, max: 4 }),
  },

  // Loss terms, each logged separately.
  terms: ["hint"],

  // Teacher outputs that it uses: "logits", "pooled" (the penultimate features), "map1", "map2", ..., "stem".
  sees: ({ NAME_layer }) => [`map${NAME_layer}`],

  // Called once per pair of models, with their shapes: [height, width, channels] of each map. Layers made here are trained
  // with the student.
  build({ student, teacher }, { NAME_layer }, make) {
    const [from, to] = [student.maps[NAME_layer - 1], teacher.maps[NAME_layer - 1]];
    if (from === undefined || to === undefined || from[0] !== to[0] || from[1] !== to[1]) {
      throw inputError(
        `--NAME_layer ${NAME_layer}: student and teacher have no feature maps of the same size at this stage.`,
        "Choose another stage.",
      );
    }
    const shape = { inputs: from[2], outputs: to[2], kernel: 1, stride: 1, padding: 0 };
    const regress = convolution(make, "regress", shape);
    const normalize = batchNorm(make, "bn", to[2]);
    return {
      // The loss of one batch, in plain TensorFlow.js: at.student and at.teacher have stem, maps, pooled, logits; maps are
      // NHWC. It runs eagerly and compiled.
      terms(at, context) {
        const ours = at.student.maps[NAME_layer - 1].out;
        const theirs = at.teacher.maps[NAME_layer - 1].out;
        const regressed = relu(normalize(regress(ours), context));
        return { hint: tf.mean(tf.square(tf.sub(regressed, theirs))) };
      },
    };
  },
});

export default definePlugin({ methods: [method] });
