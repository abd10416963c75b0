// A distillation method of your own. Try it as it is:
//
//   pefd distill --plugin NAME.mjs --distill NAME --path_t TEACHER
//   node --test NAME.test.mjs
//
// It begins as FitNet's hint: a map of the student, brought to the teacher's shape by a convolution that learns, is held
// against the teacher's map by the mean of squared differences. Change what differs in your paper.

import { batchNorm, convolution, defineMethod, definePlugin, inputError, integer, relu, tf } from "pefd/plugin";

const method = defineMethod({
  // What people type after --distill, and what help, folders of runs and reports call it.
  name: "NAME",
  summary: "mean squared error of one map",
  paper: "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
  code: "none: written after the paper",
  formula: "mean of (relu(bn(conv f_s)) - f_t)^2, f one map",

  // The published weights of the loss: gamma * cross entropy + alpha * KL + beta * the terms below.
  weights: { gamma: 1, alpha: 0, beta: 100 },

  // Options of its own, each with a default, a sentence for --help, and bounds.
  options: {
    NAME_layer: integer(2, "The stage whose map is compared.", { min: 1, max: 4 }),
  },

  // Terms of its loss; each is logged by itself.
  terms: ["hint"],

  // What it looks at of the teacher: "logits", "pooled" (the vector before the classifier), "map1", "map2", ..., "stem".
  sees: ({ NAME_layer }) => [`map${NAME_layer}`],

  // Called once for a pair of models, of which the shapes are known: [height, width, channels] of each map. Layers that are
  // made here learn with the student.
  build({ student, teacher }, { NAME_layer }, make) {
    const [from, to] = [student.maps[NAME_layer - 1], teacher.maps[NAME_layer - 1]];
    if (from === undefined || to === undefined || from[0] !== to[0] || from[1] !== to[1]) {
      throw inputError(
        `--NAME_layer ${NAME_layer}: student and teacher have no such map of one size.`,
        "Give the number of another stage.",
      );
    }
    const shape = { inputs: from[2], outputs: to[2], kernel: 1, stride: 1, padding: 0 };
    const regress = convolution(make, "regress", shape);
    const normalize = batchNorm(make, "bn", to[2]);
    return {
      // Describes one step on a batch, in plain TensorFlow.js: at.student and at.teacher have stem, maps, pooled, logits;
      // maps are [images, height, width, channels]. It runs eagerly, and compiled.
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
