import { DT, intAttribute, nativeBackend, typeAttribute } from "./native.js";
import { type Tensor, type Tensor1D, tf, type Variable } from "./tf.js";

/**
 * Rows of a table, such as a memory bank's. tf.gather would read the indices back to check them, which a recorded step
 * must not. No gradient passes through it.
 * @param table [R, ...]
 * @param rows [N], int32, 0 to R - 1
 * @returns [N, ...]
 */
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

/**
 * A table with some rows replaced. No gradient passes through it.
 * @param table [R, ...]
 * @param rows [N], int32, 0 to R - 1; the same row more than once only with the same values
 * @param values [N, ...]
 */
export const scatterRows = (table: Tensor, rows: Tensor1D, values: Tensor): Tensor =>
  nativeBackend().executeSingleOutput(
    "TensorScatterUpdate",
    [typeAttribute("T", DT.float), typeAttribute("Tindices", DT.int32)],
    [table, tf.reshape(rows, [-1, 1]), values],
  );

/** Native tensors owned by one variable, which may be changed in place. */
const own = new WeakSet<object>();

/**
 * Writes rows of a variable where it lies. The first time it is copied, since others may hold the tensor that it was made
 * of; from then on nothing but the rows is touched, until it is assigned another value.
 * @param rows as for scatterRows
 */
export function writeRows(variable: Variable, rows: Tensor1D, values: Tensor): void {
  if (own.has(variable.dataId)) {
    const type = [typeAttribute("T", DT.float)];
    nativeBackend().executeSingleOutput("InplaceUpdate", type, [variable, rows, values]);
    return;
  }
  variable.assign(scatterRows(variable, rows, values));
  own.add(variable.dataId);
}
