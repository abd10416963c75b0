import { areNumbers, toFloat32 } from "../../checkpoint/float.js";
import { matchState } from "../../checkpoint/match.js";
import { inputError, type PefdError } from "../../common/errors.js";
import { float32Tensor, int64Scalar, type StateDict, type StateTensor } from "../../common/stateDict.js";
import { isCounter, toNativeLayout, toPyTorchLayout } from "../../nn/builder.js";
import type { StateEntry } from "../../nn/model.js";
import { canResize, resizedPositions } from "../../nn/positions.js";
import { tf, type Variable } from "../../runtime/tf.js";

/** State with PyTorch's names, layouts and order. @param batches every num_batches_tracked */
export function stateDictOf(state: readonly StateEntry[], batches: number): StateDict {
  return new Map(
    state.map(({ name, role, shape, variable }): [string, StateTensor] => {
      if (variable === undefined) return [name, int64Scalar(batches)];
      const values = variable.dataSync() as Float32Array;
      return [name, float32Tensor(toPyTorchLayout(role, values, shape), shape)];
    }),
  );
}

type Origin = { readonly path: string; readonly modelName: string };

/** A file's tensors per state entry; position embeddings may be those of another image size. @throws inputError for other names or shapes */
export const tensorsFor = (
  state: readonly Pick<StateEntry, "name" | "shape" | "role">[],
  tensors: StateDict,
  origin: Origin,
): StateDict =>
  matchState(
    state.map(({ name, shape, role }) => ({
      name,
      shape,
      isCounter: isCounter(role),
      ...(role === "pos_embed" && { takes: (found) => canResize(found, shape) }),
    })),
    tensors,
    origin,
  );

/** Loads a file's tensors into variables. @throws inputError for other names or shapes, NaN or infinite values */
export function loadState(state: readonly StateEntry[], tensors: StateDict, origin: Origin): void {
  const matched = tensorsFor(state, tensors, origin);
  for (const { name, role, shape, variable } of state) {
    if (variable === undefined) continue;
    const tensor = matched.get(name) as StateTensor;
    const values = toFloat32(tensor);
    if (!areNumbers(values)) throw notNumbers(`${name} in ${origin.path}`);
    const sized = role === "pos_embed" ? resizedPositions(values, tensor.shape, shape) : values;
    assignValues(variable, toNativeLayout(role, sized, shape));
  }
}

/** The error for NaN or infinite values. @param what holds them */
export const notNumbers = (what: string): PefdError =>
  inputError(
    `${what} holds values that are NaN or infinite; nothing can be computed with it.`,
    "Its training has probably diverged: take an earlier checkpoint, or train it again.",
  );

export function assignValues(variable: Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, "float32")));
}
