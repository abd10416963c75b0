import { crossEntropy, distillKL } from "../distill/losses.js";
import { methodRow } from "../distill/registry.js";
import type { Distillation } from "../distill/types.js";
import type { ModelOutput, StateEntry } from "../nn/model.js";
import type { Scalar, Tensor, Tensor2D } from "../runtime/tf.js";
import { formulaFill, PROJECTOR_KEY } from "./formula.js";
import type { LossesGolden } from "./schema.js";

/** The inputs of losses.json, by name. */
export type LossInputs = LossesGolden["inputs"];
export type InputName = Exclude<keyof LossInputs, "labels">;

/** A term to be differentiated: what it is a function of, and its value. */
export interface Term {
  /** The student's side: the input that is differentiated. */
  readonly student: InputName;
  /** The teacher's side, which gets no gradient; labels for cross entropy. */
  readonly teacher: InputName | "labels";
  /** Tensors of projectors, differentiated as well. */
  readonly state: readonly StateEntry[];
  loss(student: Tensor2D, teacher: Tensor2D): Scalar;
}

/** One kind of key of losses.json, with what the key's numbers mean. */
interface TermRow {
  readonly pattern: RegExp;
  build(numbers: readonly number[], inputs: LossInputs): Term;
}

const output = (logits: Tensor2D, features: readonly Tensor[]): ModelOutput => ({
  logits,
  features,
  preactFeatures: features,
});

const onLogits = (distillation: Distillation): Term => ({
  student: "logitS",
  teacher: "logitT",
  state: distillation.state,
  loss: (student, teacher) => distillation.loss(output(student, []), output(teacher, [])),
});

const TERMS: readonly TermRow[] = [
  {
    pattern: /^crossEntropy$/,
    build: () => ({ student: "logitS", teacher: "labels", state: [], loss: crossEntropy }),
  },
  {
    pattern: /^distillKL_T(\d+)$/,
    build: ([temperature]) => ({
      student: "logitS",
      teacher: "logitT",
      state: [],
      loss: (student, teacher) => distillKL(student, teacher, temperature as number),
    }),
  },
  {
    pattern: /^kd1proj_T(\d+)$/,
    build: ([temperature], { logitS }) =>
      onLogits(
        methodRow("kd1proj").build({
          studentFeatureSize: 1,
          teacherFeatureSize: 1,
          numClasses: logitS.shape[1] as number,
          numProjectors: 1,
          temperature: temperature as number,
          fill: formulaFill(PROJECTOR_KEY),
        }),
      ),
  },
  {
    pattern: /^ours_(\d+)to(\d+)_p(\d+)$/,
    build: ([from, to, projectors], { logitS }) => {
      const distillation = methodRow("ours").build({
        studentFeatureSize: from as number,
        teacherFeatureSize: to as number,
        numClasses: logitS.shape[1] as number,
        numProjectors: projectors as number,
        temperature: 1,
        fill: formulaFill(PROJECTOR_KEY),
      });
      return {
        student: `featS${from}` as InputName,
        teacher: `featT${to}` as InputName,
        state: distillation.state,
        loss: (student, teacher) =>
          distillation.loss(output(student, [student]), output(teacher, [teacher])),
      };
    },
  },
];

/** The term that a key of losses.json names, or undefined for a key of no known kind. */
export function termOf(key: string, inputs: LossInputs): Term | undefined {
  for (const { pattern, build } of TERMS) {
    const match = pattern.exec(key);
    if (match !== null) return build(match.slice(1).map(Number), inputs);
  }
  return undefined;
}
