import { DT, intAttribute, nativeBackend, typeAttribute } from "../runtime/native.js";
import { type Tensor, type Tensor1D, tf } from "../runtime/tf.js";

/**
 * Rows of a table, such as a memory bank's. tf.gather would read the indices back to check them, which a recorded step
 * must not. No gradient passes through it.
 * @param table [R, ...]
 * @param rows [N], int32, 0 to R - 1
 * @returns [N, ...]
 */
export const gatherRows = (table: Tensor, rows: Tensor1D): Tensor =>
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
 * A table with some rows replaced: the new value of a memory bank. No gradient passes through it.
 * @param table [R, ...]
 * @param rows [N], int32, 0 to R - 1, each at most once
 * @param values [N, ...]
 */
export const scatterRows = (table: Tensor, rows: Tensor1D, values: Tensor): Tensor =>
  nativeBackend().executeSingleOutput(
    "TensorScatterUpdate",
    [typeAttribute("T", DT.float), typeAttribute("Tindices", DT.int32)],
    [table, tf.reshape(rows, [-1, 1]), values],
  );
