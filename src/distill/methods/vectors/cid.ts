import { integer, number } from "../../../common/optionRow.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { detached } from "../../../nn/gradients.js";
import { linear } from "../../../nn/layers.js";
import type { ForwardContext, ModelOutput } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, type StepContext } from "../../method.js";
import { classMeans } from "../../parts/classMeans.js";
import { crossEntropy, distillKL, normalizedRows } from "../../parts/losses.js";

/**
 * Squared difference of student's [N, D] and teacher's [N, E] cosines, averaged over pairs of a class, then over
 * classes with at least two images in the batch; 0 without one (Deng and Zhang, CID, NeurIPS 2021).
 */
function classRelations(student: Tensor2D, teacher: Tensor2D, oneHot: Tensor2D): Scalar {
  const cosines = (vectors: Tensor2D) => {
    const unit = normalizedRows(vectors);
    return tf.matMul(unit, unit, false, true); // [N, N]
  };
  const isSame = tf.matMul(oneHot, oneHot, false, true); // [N, N]
  const count = tf.sum(isSame, 1, true); // [N, 1], images of the same class
  const isPair = tf.cast(tf.greater(count, 1), "float32");
  const classes = tf.sum(tf.div(isPair, count));
  const share = tf.div(isPair, tf.square(count));
  const squares = tf.square(tf.sub(cosines(teacher), cosines(student)));
  const sum = tf.sum(tf.mul(tf.mul(squares, isSame), share));
  return tf.div(sum, tf.maximum(classes, 1)) as Scalar;
}

/** Squared error over the target's squared length; the batch's mean. [N, D] both */
function relativeError(x: Tensor2D, target: Tensor2D): Scalar {
  const lengths = tf.sum(tf.square(target), 1);
  const errors = tf.sum(tf.square(tf.sub(x, target)), 1);
  return tf.mean(tf.div(errors, lengths)) as Scalar;
}

/** The student's class means of the previous epoch, weighted by the teacher's probabilities. */
function classContext(make: ModelBuilder, classes: number, width: number, temperature: number) {
  const { means, gather } = classMeans(make, "context", [classes, width]);
  return {
    /** Mix of class means by the probabilities of logits [N, classes]. */
    of: (logits: Tensor2D, context: Tensor = means) =>
      tf.matMul(tf.softmax(tf.div(detached(logits), temperature)), context as Tensor2D),
    /** Adds a batch to its epoch's sums. @returns the current means [classes, width] */
    gather({ student, teacher, oneHot, epoch }: StepContext, context: ForwardContext): Tensor {
      const probable = tf.softmax(tf.div(teacher.logits, temperature));
      const weighted = tf.mul(oneHot, probable) as Tensor2D; // [N, classes], the label's alone
      return gather({ weighted, vectors: detached(student.pooled), epoch }, context);
    },
  };
}

const weighed = <Name extends string>(name: Name, weight: number, term: () => Scalar) =>
  (weight === 0 ? {} : { [name]: tf.mul(term(), weight) }) as Partial<Record<Name, Scalar>>;

/** CID: logits, vectors and relations within classes, and a classifier that sees vectors in their class's context. */
export const cid = defineMethod({
  name: "cid",
  summary: "vectors, relations within classes, and a classifier that sees their context (CID)",
  paper: "Deng and Zhang, Comprehensive Knowledge Distillation with Causal Intervention, NeurIPS 2021",
  code: "Xiang-Deng-DL/CID 1c01ae8",
  formula:
    "a (KL + CE(fc(p_s, softmax(z_s / T) c))) + b |W p_s - p_t|^2 / |p_t|^2 + c sum of squared differences of cosines within classes",
  traps: [
    "Nesterov's momentum; the regressor's weights do not decay.",
    "The first epochs are without the classifier; the optimizer and the schedule go on after them.",
    "The contexts are the means of the epoch before. Accuracies of its runs are those of the classifier that sees them.",
    "Relations within classes compare the student's own vectors, not the regressed ones.",
  ],
  weights: { gamma: 0, alpha: 0, beta: 1 },
  published: [
    { pairs: ["wrn_40_2-wrn_16_2"], options: { cid_b: 65 } },
    { pairs: ["ResNet50-MobileNetV2"], options: { cid_b: 33, cid_c: 0.1 } },
    { pairs: ["ResNet50-vgg8"], options: { cid_b: 8, cid_c: 2 } },
  ],
  options: {
    cid_a: number(1, "Weight of logits and classifier.", { min: 0, touches: "numbers" }),
    cid_b: number(10, "Weight of vectors.", { min: 0, touches: "numbers" }),
    cid_c: number(1, "Weight of relations within classes.", { min: 0, touches: "numbers" }),
    cid_NT: number(4, "Temperature of logits.", { above: 0, touches: "numbers" }),
    init_epochs: integer(20, "Epochs before the classifier learns.", {
      min: 0,
      touches: "numbers",
    }),
  },
  terms: ["kd", "sample", "class", "cls"],
  sees: () => ["pooled", "logits"],
  build(pair, { cid_a, cid_b, cid_c, cid_NT, init_epochs }, make) {
    const [inputs, outputs] = [pair.student.pooled, pair.teacher.pooled];
    const classifier = linear(make, "fc_new.linear", 2 * inputs, pair.numClasses);
    const before = make.state.length;
    const regressor = linear(make, "fea_reg.linear", inputs, outputs);
    const ofRegressor = make.state.slice(before).flatMap(({ variable }) => (variable ? [variable] : []));
    const context = classContext(make, pair.numClasses, inputs, cid_NT);
    const early = ({ student, teacher, oneHot }: StepContext) => ({
      ...weighed("kd", cid_a, () => distillKL(student.logits, teacher.logits, cid_NT)),
      ...weighed("sample", cid_b, () => relativeError(regressor(student.pooled), teacher.pooled)),
      ...weighed("class", cid_c, () => classRelations(student.pooled, teacher.pooled, oneHot)),
    });
    const predicted = ({ pooled, logits }: ModelOutput, means?: Tensor) =>
      classifier(tf.concat([pooled, context.of(logits, means)], 1) as Tensor2D);
    return {
      phases: [
        {
          epochs: init_epochs,
          terms: ["kd", "sample", "class"],
          continues: true,
          loss(at, passed) {
            context.gather(at, passed);
            return early(at);
          },
        },
      ],
      mainTerms: ["kd", "sample", "class", "cls"],
      terms(at, passed) {
        const logits = predicted(at.student, context.gather(at, passed));
        return {
          ...early(at),
          ...weighed("cls", cid_a, () => crossEntropy(logits, at.oneHot)),
        };
      },
      evaluated: (student) => predicted(student),
      groups: [{ parameters: ofRegressor, weightDecay: 0 }],
      optimizer: { nesterov: true },
    };
  },
});
