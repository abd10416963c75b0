import { integer, number } from "../../../common/optionRow.js";
import { addParameter } from "../../../nn/builder.js";
import { scaledGradient } from "../../../nn/gradients.js";
import { constant } from "../../../nn/initialization.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";

/** T^2 / N * KL(teacher || student) summed over classes; the gradient goes through T, too. */
function softenedKL(student: Tensor2D, teacher: Tensor2D, temperature: Tensor): Scalar {
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const each = tf.sum(tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)), 1);
  return tf.sum(tf.mul(tf.mean(each), tf.square(temperature))) as Scalar;
}

/** CTKD: kd's temperature is trained to raise the loss (section 3.1), more each epoch (section 3.2), Global-T. */
export const ctkd = defineMethod({
  name: "ctkd",
  summary: "KL at a temperature that learns against the student (CTKD)",
  paper: "Li et al., Curriculum Temperature for Knowledge Distillation, AAAI 2023",
  code: "zhengli97/CTKD 7d52522",
  formula:
    "T^2 KL(softmax(z_t / T), softmax(z_s / T)), T = t_start + t_end sigmoid(global_T); the gradient of global_T times a factor that falls as a cosine from decay_max to decay_min in decay_loops epochs",
  traps: [
    "Weight decay acts on global_T as on any parameter.",
    "The temperature is not that of --kd_T; with -a the KL divergence at --kd_T comes on top.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: {
    ctkd_t_start: number(1, "Lower end of the temperatures.", { above: 0, touches: "numbers" }),
    ctkd_t_end: number(20, "How far above it the highest one lies.", {
      min: 0,
      touches: "numbers",
    }),
    ctkd_decay_max: number(0, "Factor of the temperature's gradient at the start.", {
      touches: "numbers",
    }),
    ctkd_decay_min: number(-1, "The same in the end; below 0 the temperature raises the loss.", {
      touches: "numbers",
    }),
    ctkd_decay_loops: integer(10, "Epochs in which it gets there.", { min: 1, touches: "numbers", inEpochs: true }),
  },
  terms: ["ctkd"],
  sees: () => ["logits"],
  build(_pair, options, make) {
    const { ctkd_t_start, ctkd_t_end, ctkd_decay_max, ctkd_decay_min, ctkd_decay_loops } = options;
    const learned = addParameter(make, "global_T", [1], constant(1));
    /** Cosine ramp from 0 to 1. */
    const way = (epoch: Scalar): Tensor => {
      const angle = tf.mul(tf.minimum(epoch, ctkd_decay_loops), Math.PI / ctkd_decay_loops);
      return tf.mul(tf.sub(1, tf.cos(angle)), 0.5);
    };
    return {
      terms({ student, teacher, epoch }) {
        const factor = tf.add(tf.mul(way(epoch), ctkd_decay_min - ctkd_decay_max), ctkd_decay_max);
        const turned = scaledGradient(learned as Tensor, factor as Scalar);
        const temperature = tf.add(tf.mul(tf.sigmoid(turned), ctkd_t_end), ctkd_t_start); // [1]
        return { ctkd: softenedKL(student.logits, teacher.logits, temperature) };
      },
    };
  },
});
