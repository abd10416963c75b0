import type { Model, ModelOutput } from "../nn/model.js";
import type { Tensor, Tensor2D } from "../runtime/tf.js";
import type { LossWeights, MethodRow, TeacherOutput } from "./types.js";

/** One output of a teacher that a loss may look at: a vector per image. */
interface TeacherOutputRow {
  /** [N, size] */
  of(output: ModelOutput): Tensor;
  size(model: Pick<Model, "featureSize" | "numClasses">): number;
}

/** Every output of a teacher that a loss may look at. */
export const TEACHER_OUTPUTS: Readonly<Record<TeacherOutput, TeacherOutputRow>> = {
  features: {
    of: (output) => output.features.at(-1) as Tensor,
    size: (model) => model.featureSize,
  },
  logits: { of: (output) => output.logits, size: (model) => model.numClasses },
};

/** What a loss with these weights looks at: terms of weight zero are left out of it. */
export function usedOutputs(
  method: Pick<MethodRow, "teacherOutputs">,
  { alpha, beta }: Pick<LossWeights, "alpha" | "beta">,
): TeacherOutput[] {
  const byKL: readonly TeacherOutput[] = alpha === 0 ? [] : ["logits"];
  const byMethod = beta === 0 ? [] : method.teacherOutputs;
  return [...new Set([...byKL, ...byMethod])].sort();
}

/**
 * A teacher's output made of some of its parts.
 * @param parts [N, size] each; looking at one that is not among them throws, so that a method whose row does not name
 * all that it needs fails when its step is described
 */
export function partialOutput(
  parts: Readonly<Partial<Record<TeacherOutput, Tensor>>>,
): ModelOutput {
  const part = (name: TeacherOutput): Tensor => {
    const tensor = parts[name];
    if (tensor === undefined) {
      throw new Error(`The method uses the teacher's ${name}, which its row does not name.`);
    }
    return tensor;
  };
  return {
    get features() {
      return [part("features")];
    },
    preactFeatures: [],
    get logits() {
      return part("logits") as Tensor2D;
    },
  };
}
