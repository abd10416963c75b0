import { recordStep } from "../../compile/record/trace.js";
import type { Learner } from "../../learn/learner.js";
import type { StateEntry } from "../../nn/model.js";
import type { Tensor4D } from "../../runtime/tf.js";

/** Side of images of models that name none. */
const SIDE = 32;

/** One image, where only what is read counts. */
const lookOf = ({ imageSize = SIDE }: Learner["model"]) => [1, imageSize, imageSize, 3];

/** Tensors of a method's own, and of a teacher, in a file of both. */
const PREDICTOR_PARTS = { own: "own.", teacher: "teacher." } as const;

const renamed = (prefix: string, state: readonly StateEntry[]): StateEntry[] =>
  state.map((entry) => ({ ...entry, name: prefix + entry.name }));

/** What a prediction may read besides the student, under the names that files have. */
export const predictorEntries = (
  own: readonly StateEntry[],
  teacher: readonly StateEntry[],
): StateEntry[] => [
  ...renamed(PREDICTOR_PARTS.own, own),
  ...renamed(PREDICTOR_PARTS.teacher, teacher),
];

/**
 * What a method reads when it predicts, besides its student: tensors of its own and of the teacher. It is found by
 * recording a prediction, so that no method has to tell. TensorFlow must be loaded.
 * @returns nothing where the student predicts by itself
 */
function predictorState({ model, extra, evaluated }: Learner): StateEntry[] {
  if (evaluated === undefined) return [];
  const candidates = predictorEntries(extra, evaluated.teacher.state);
  const handles = new Map(
    [...model.state, ...candidates].flatMap(({ name, variable }) =>
      variable === undefined ? [] : [[variable, name] as const],
    ),
  );
  const entry = {
    step: ({ images }: Readonly<Record<string, unknown>>) => {
      evaluated.forward(images as Tensor4D, { training: false, updates: [] });
      return [];
    },
    perStep: { images: { shape: lookOf(model), dtype: "float32" } },
    ...{ shared: {}, stepsPerCall: 1 },
  } as const;
  const { reads } = recordStep("predictor", entry, handles);
  return candidates.filter(({ variable }) => variable !== undefined && reads.has(variable));
}

/** A learner whose evaluations are counted through its method's predictor, which is kept beside its weights. */
export function withPredictor(learner: Learner): Learner {
  const predictor = predictorState(learner);
  return predictor.length === 0 ? learner : { ...learner, predictor };
}

/** What a file of a predictor tells besides its tensors. */
export const predictorMetadata = ({ evaluated }: Learner) =>
  evaluated && {
    method: evaluated.method,
    options: evaluated.options,
    teacher: evaluated.teacher.name,
  };
