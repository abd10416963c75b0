import { ownOp } from "../ops/ops.js";
import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { ownOpsServe } from "../runtime/ownOps.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

const attributes = () => [typeAttribute("T", DT.float), typeAttribute("Tperm", DT.int32)];

/** 0, 1, ... with the two last of them exchanged. */
const permutation = (axes: number): number[] => [
  ...Array.from({ length: axes - 2 }, (_, axis) => axis),
  ...[axes - 1, axes - 2],
];

function swapped(x: Tensor): Tensor {
  const op = ownOpsServe() ? ownOp("Transpose") : "Transpose";
  const order = tf.tensor1d(permutation(x.rank), "int32");
  return nativeBackend().executeSingleOutput(op, attributes(), [x, order]);
}

const swapOp = defineOp({
  name: "swapLastAxes",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }) => [swapped(x)],
  gradient: (dy) => ({ x: () => swapped(dy) }),
});

/** [..., A, B] as [..., B, A], fastest where one of them is 2, 3 or 4. */
export const swapLastAxes = (x: Tensor): Tensor => swapOp({ x }).y;
