import type { FeatureShapes, StepContext } from "#pefd/distill/method.js";
import { type OpenedMethod, openMethod } from "#pefd/distill/open.js";
import { crossEntropy, distillKL } from "#pefd/distill/parts/losses.js";
import { methodRow } from "#pefd/distill/registry.js";
import type { ModelOutput, StateEntry } from "#pefd/nn/model.js";
import { type Scalar, type Tensor2D, tf } from "#pefd/runtime/tf.js";
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

/** A vector that stands for penultimate features as well as for logits. */
const output = (vector: Tensor2D): ModelOutput => ({
  stem: undefined,
  maps: [],
  pooled: vector,
  logits: vector,
});

const vectorOf = (pooled: number): FeatureShapes => ({
  stem: undefined,
  maps: [],
  lastMap: [],
  norms: [],
  pooled,
  state: [],
  features: [],
});

/** A method of the registry between two vectors. */
function open(name: string, sizes: readonly [number, number], told: object): OpenedMethod {
  const [student, teacher] = sizes.map(vectorOf) as [FeatureShapes, FeatureShapes];
  const pair = { student, teacher, numClasses: student.pooled, labels: [], batchSize: 1 };
  return openMethod(methodRow(name), pair, told, formulaFill(PROJECTOR_KEY));
}

/** The sum of a method's own terms. */
function ownLoss(method: OpenedMethod): Term["loss"] {
  return (student, teacher) => {
    const at = { student: output(student), teacher: output(teacher) } as StepContext;
    const terms = Object.values(method.terms(at, { training: true, updates: [] }));
    return (terms as Scalar[]).reduce((sum, term) => tf.add(sum, term));
  };
}

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
    build: ([kd_T], { logitS }) => {
      const classes = logitS.shape[1] as number;
      const method = open("kd1proj", [classes, classes], { kd_T });
      const { state } = method;
      return { student: "logitS", teacher: "logitT", state, loss: ownLoss(method) };
    },
  },
  {
    pattern: /^ours_(\d+)to(\d+)_p(\d+)$/,
    build: ([from, to, num_proj]) => {
      const method = open("ours", [from as number, to as number], { num_proj });
      return {
        student: `featS${from}` as InputName,
        teacher: `featT${to}` as InputName,
        state: method.state,
        loss: ownLoss(method),
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
