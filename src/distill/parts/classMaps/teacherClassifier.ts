import { biasAdd } from "../../../nn/bias.js";
import type { Role } from "../../../nn/model.js";
import { type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import type { Anatomy, Pair } from "../../method.js";

/** A model's last layer. */
export interface Classifier {
  /** [classes, C] */
  readonly weight: Tensor2D;
  /** [classes] */
  readonly bias: Tensor;
  /** Logits [N, classes] of vectors [N, C]. */
  logits(vectors: Tensor2D): Tensor2D;
}

/** A model's classifier: the last linear layer of every model. @throws Error for a model that has none */
export function classifierOf({ state }: Pick<Anatomy, "state">): Classifier {
  const last = (role: Role): Tensor => {
    const found = state.findLast((entry) => entry.role === role)?.variable;
    if (found === undefined) throw new Error(`The model has no ${role}.`);
    return found;
  };
  const weight = last("linear.weight") as Tensor2D;
  const bias = last("linear.bias");
  const logits = (vectors: Tensor2D): Tensor2D =>
    biasAdd(tf.matMul(vectors, weight, false, true), bias);
  return { weight, bias, logits };
}

/** The teacher's classifier. No gradient reaches it: nothing of a teacher learns. */
export const teacherClassifier = ({ teacher }: Pick<Pair, "teacher">): Classifier =>
  classifierOf(teacher);
