import { gatherRows } from "../../runtime/rows.js";
import { type Tensor, type Tensor1D, tf, type Update, type Variable } from "../../runtime/tf.js";

export { gatherRows } from "../../runtime/rows.js";

/**
 * New rows of a table, such as a memory bank, as an update (ForwardContext.updates): the other rows stay, and are not
 * touched. Where a row is named more than once, the last of its values counts. All reads of a step see the table as it
 * was before.
 * @param table [R, ...]
 * @param rows [N], int32, 0 to R - 1
 * @param values [N, ...]
 */
export function rowsUpdate(table: Variable, rows: Tensor1D, values: Tensor): Update {
  const count = rows.shape[0];
  const isSame = tf.equal(tf.reshape(rows, [-1, 1]), tf.reshape(rows, [1, -1])); // [N, N]
  const places = tf.mul(tf.cast(isSame, "float32"), tf.range(0, count));
  const last = tf.cast(tf.max(places, 1), "int32");
  return [table, gatherRows(values, last), rows];
}
