import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { gatherRows } from "../runtime/rows.js";
import { type Tensor, type Tensor1D, type Tensor2D, tf, type Update, type Variable } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

/** Gathers elements of a vector; gradients of repeated indices add up. */
const takeOp = defineOp({
  name: "take",
  inputs: ["x", "places"],
  outputs: ["y"],
  saved: ["places"],
  forward: ({ x, places }) => [gatherRows(x, places)],
  gradient: (dy, { places }, { size }: { readonly size: number }) => ({
    x: () =>
      nativeBackend().executeSingleOutput(
        "UnsortedSegmentSum",
        [typeAttribute("T", DT.float), typeAttribute("Tindices", DT.int32), typeAttribute("Tnumsegments", DT.int32)],
        [dy, places, tf.scalar(size, "int32")],
      ),
  }),
});

/** Elements of each row (torch.gather along the last axis): x [N, R] at [N, K], int32, 0 to R - 1, to [N, K]. */
export function takeAlong(x: Tensor2D, columns: Tensor2D): Tensor2D {
  const [rows, width] = x.shape;
  const starts = tf.reshape(tf.range(0, rows * width, width, "int32"), [-1, 1]);
  const places = tf.reshape(tf.add(columns, starts), [-1]);
  const { y } = takeOp({ x: tf.reshape(x, [-1]), places }, { size: rows * width });
  return tf.reshape(y, columns.shape);
}

export { gatherRows } from "../runtime/rows.js";

/** Scatter of values [N, ...] into rows [N] of a table [R, ...], as an update; the last of repeated rows counts. */
export function rowsUpdate(table: Variable, rows: Tensor1D, values: Tensor): Update {
  const count = rows.shape[0];
  const isSame = tf.equal(tf.reshape(rows, [-1, 1]), tf.reshape(rows, [1, -1])); // [N, N]
  const places = tf.mul(tf.cast(isSame, "float32"), tf.range(0, count));
  const last = tf.cast(tf.max(places, 1), "int32");
  return [table, gatherRows(values, last), rows];
}
