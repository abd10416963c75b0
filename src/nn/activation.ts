import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import type { Tensor } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

/** One native op forward and one backward; tfjs's own gradient would take three. */
function defineRectifier(name: string, forward: string, backward: string) {
  const attributes = () => [typeAttribute("T", DT.float)];
  return defineOp({
    name,
    inputs: ["x"],
    outputs: ["y"],
    saved: ["y"],
    forward: ({ x }) => [nativeBackend().executeSingleOutput(forward, attributes(), [x])],
    gradient: (dy, { y }) => ({
      x: () => nativeBackend().executeSingleOutput(backward, attributes(), [dy, y]),
    }),
  });
}

const reluOp = defineRectifier("relu", "Relu", "ReluGrad");
const relu6Op = defineRectifier("relu6", "Relu6", "Relu6Grad");

/** max(x, 0), any shape; the gradient at 0 is 0 as in PyTorch. */
export const relu = <T extends Tensor>(x: T): T => reluOp({ x }).y as T;

/** min(max(x, 0), 6), any shape; the gradient at 0 and at 6 is 0 as in PyTorch. */
export const relu6 = <T extends Tensor>(x: T): T => relu6Op({ x }).y as T;
