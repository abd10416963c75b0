import { DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import { type Tensor, tf } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

/** tfjs's own gradient at 0 is -1; PyTorch's is 0. */
const absoluteOp = defineOp({
  name: "absolute",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["x"],
  forward: ({ x }) => [
    nativeBackend().executeSingleOutput("Abs", [typeAttribute("T", DT.float)], [x]),
  ],
  gradient: (dy, { x }) => ({ x: () => tf.mul(dy, tf.sign(x)) }),
});

/** |x|, any shape; the gradient at 0 is 0 as in PyTorch. */
export const absolute = <T extends Tensor>(x: T): T => absoluteOp({ x }).y as T;
