import { DT, intAttribute, nativeBackend, typeAttribute } from "./native.js";
import { type Tensor, type Tensor1D, tf, type Variable } from "./tf.js";

/** Rows [N] (int32) of a table [R, ...], no gradient. tf.gather reads the indices back, a recorded step cannot. */
export const gatherRows = (table: Tensor, rows: Tensor): Tensor =>
  nativeBackend().executeSingleOutput(
    "GatherV2",
    [
      intAttribute("batch_dims", 0),
      typeAttribute("Tparams", DT.float),
      typeAttribute("Tindices", DT.int32),
      typeAttribute("Taxis", DT.int32),
    ],
    [table, rows, tf.scalar(0, "int32")],
  );

/** A table [R, ...] with values [N, ...] in rows [N] (int32; repeated ones with the same values). No gradient. */
export const scatterRows = (table: Tensor, rows: Tensor1D, values: Tensor): Tensor =>
  nativeBackend().executeSingleOutput(
    "TensorScatterUpdate",
    [typeAttribute("T", DT.float), typeAttribute("Tindices", DT.int32)],
    [table, tf.reshape(rows, [-1, 1]), values],
  );

/** Native tensors owned by one variable, which may be changed in place. */
const own = new WeakSet<object>();

/** Writes rows in place, as scatterRows; the first time the tensor is copied, since others may hold it. */
export function writeRows(variable: Variable, rows: Tensor1D, values: Tensor): void {
  if (own.has(variable.dataId)) {
    const type = [typeAttribute("T", DT.float)];
    nativeBackend().executeSingleOutput("InplaceUpdate", type, [variable, rows, values]);
    return;
  }
  variable.assign(scatterRows(variable, rows, values));
  own.add(variable.dataId);
}
