import { join } from "node:path";
import { toFloat32 } from "../checkpoint/float.js";
import { matchState } from "../checkpoint/match.js";
import { writeSealedCheckpoint } from "../checkpoint/writeCheckpoint.js";
import {
  float32Tensor,
  int64Scalar,
  type StateDict,
  type StateTensor,
} from "../common/stateDict.js";
import { isCounter, toNativeLayout, toPyTorchLayout } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import { RESUME_FILE, type RunProgress } from "../runFiles/progress.js";
import { tf, type Variable } from "../runtime/tf.js";
import type { Kept } from "./claim/kept.js";
import type { Learner } from "./learner.js";

/**
 * State as files hold it: PyTorch's names, layouts and order.
 * @param batches value of every num_batches_tracked
 */
export function stateDictOf(state: readonly StateEntry[], batches: number): StateDict {
  return new Map(
    state.map(({ name, role, shape, variable }): [string, StateTensor] => {
      if (variable === undefined) return [name, int64Scalar(batches)];
      const values = variable.dataSync() as Float32Array;
      return [name, float32Tensor(toPyTorchLayout(role, values, shape), shape)];
    }),
  );
}

/** Which file tensors come from, and the model they are for. */
interface Origin {
  readonly path: string;
  readonly modelName: string;
}

/** The tensors of a file for each entry of a state. @throws inputError when names or shapes differ */
export const tensorsFor = (
  state: readonly Pick<StateEntry, "name" | "shape" | "role">[],
  tensors: StateDict,
  origin: Origin,
): StateDict =>
  matchState(
    state.map(({ name, shape, role }) => ({ name, shape, isCounter: isCounter(role) })),
    tensors,
    origin,
  );

/** Puts the tensors of a file into a model's variables. @throws inputError when names or shapes differ */
export function loadState(state: readonly StateEntry[], tensors: StateDict, origin: Origin): void {
  const matched = tensorsFor(state, tensors, origin);
  for (const { name, role, shape, variable } of state) {
    if (variable === undefined) continue;
    const values = toFloat32(matched.get(name) as StateTensor);
    assignValues(variable, toNativeLayout(role, values, shape));
  }
}

function assignValues(variable: Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, "float32")));
}

const MODEL = "model.";
const EXTRA = "extra.";
const VELOCITY = "velocity.";

const withPrefix = (prefix: string, state: StateDict): [string, StateTensor][] =>
  Array.from(state, ([name, tensor]) => [prefix + name, tensor]);

const partOf = (prefix: string, state: StateDict): StateDict =>
  new Map(
    Array.from(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

/** Keeps everything that the rest of a run depends on, atomically. */
export async function saveProgress(
  runDir: string,
  learner: Learner,
  progress: RunProgress,
): Promise<void> {
  const velocities = learner.velocities.map((variable, i): [string, StateTensor] => [
    `${VELOCITY}${i}`,
    float32Tensor(variable.dataSync() as Float32Array, variable.shape),
  ]);
  const state = new Map([
    ...withPrefix(MODEL, stateDictOf(learner.model.state, progress.steps)),
    ...withPrefix(EXTRA, stateDictOf(learner.extra, progress.steps)),
    ...velocities,
  ]);
  await writeSealedCheckpoint(join(runDir, RESUME_FILE), state, { progress });
}

/** Puts what a run has kept into a learner. @throws inputError where it is of another model */
export function restoreState(
  learner: Learner,
  { path, state }: Pick<Kept, "path" | "state">,
): void {
  const origin = { path, modelName: learner.model.name };
  loadState(learner.model.state, partOf(MODEL, state), origin);
  loadState(learner.extra, partOf(EXTRA, state), origin);
  const velocities = partOf(VELOCITY, state);
  matchState(
    learner.velocities.map(({ shape }, i) => ({ name: String(i), shape, isCounter: false })),
    velocities,
    origin,
  );
  learner.velocities.forEach((variable, i) => {
    assignValues(variable, toFloat32(velocities.get(String(i)) as StateTensor));
  });
}
