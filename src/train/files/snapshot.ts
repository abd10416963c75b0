import { toFloat32 } from "../../checkpoint/float.js";
import { matchState } from "../../checkpoint/match.js";
import { float32Tensor, type StateDict, type StateTensor } from "../../common/stateDict.js";
import type { Learner } from "../../learn/learner.js";
import { isBuffer } from "../../nn/builder.js";
import type { Variable } from "../../runtime/tf.js";
import type { Kept } from "../claim/kept.js";
import { assignValues, loadState, stateDictOf } from "./stateFiles.js";

/** A learner's state as in files. */
export interface Snapshot {
  readonly model: StateDict;
  readonly extra: StateDict;
  /** Its weights, without training state such as memory banks. */
  readonly added: StateDict;
  /** Running statistics in training mode. */
  readonly teacher: StateDict;
  /** What predictions read besides the model. */
  readonly predictor: StateDict;
  /** By index; parameterNames has the names. */
  readonly momentumBuffers: StateDict;
  readonly parameterNames: readonly string[];
}

/** Reads a learner's variables. @param batches every num_batches_tracked */
export function takeSnapshot(learner: Learner, batches: number): Snapshot {
  const { model, extra, parameters, momentumBuffers, teacherStatistics = [], predictor = [] } = learner;
  const names = new Map([...model.state, ...extra].map(({ name, variable }) => [variable, name]));
  const dict = stateDictOf(extra, batches);
  const buffers = new Set(extra.filter(({ role }) => isBuffer(role)).map(({ name }) => name));
  return {
    model: stateDictOf(model.state, batches),
    extra: dict,
    added: new Map([...dict].filter(([name]) => !buffers.has(name))),
    teacher: stateDictOf(teacherStatistics, batches),
    predictor: stateDictOf(predictor, batches),
    momentumBuffers: new Map(
      momentumBuffers.map((variable, i): [string, StateTensor] => [
        String(i),
        float32Tensor(variable.dataSync() as Float32Array, variable.shape),
      ]),
    ),
    parameterNames: momentumBuffers.map((_, i) => {
      return names.get(parameters[i % parameters.length] as Variable) as string;
    }),
  };
}

const PARTS = { model: "model.", extra: "extra.", teacher: "teacher.", momentumBuffers: "velocity." } as const;

/** The resume state. */
export const resumeState = (snapshot: Snapshot): StateDict =>
  new Map(
    (Object.keys(PARTS) as (keyof typeof PARTS)[]).flatMap((part) =>
      Array.from(snapshot[part], ([name, tensor]): [string, StateTensor] => [PARTS[part] + name, tensor]),
    ),
  );

const partOf = (prefix: string, state: StateDict): StateDict =>
  new Map(
    Array.from(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

/** Restores a learner's saved state. @throws inputError for another model's */
export function restoreLearner(learner: Learner, { path, state }: Pick<Kept, "path" | "state">): void {
  const origin = { path, modelName: learner.model.name };
  loadState(learner.model.state, partOf(PARTS.model, state), origin);
  loadState(learner.extra, partOf(PARTS.extra, state), origin);
  loadState(learner.teacherStatistics ?? [], partOf(PARTS.teacher, state), origin);
  const momentumBuffers = partOf(PARTS.momentumBuffers, state);
  matchState(
    learner.momentumBuffers.map(({ shape }, i) => ({ name: String(i), shape, isCounter: false })),
    momentumBuffers,
    origin,
  );
  learner.momentumBuffers.forEach((variable, i) => {
    assignValues(variable, toFloat32(momentumBuffers.get(String(i)) as StateTensor));
  });
}
