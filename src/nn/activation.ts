import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

/** max(x, slope * x) for a slope below 1, any shape; the gradient at 0 is 1, where PyTorch's is the slope. */
export const leakyRelu = <T extends Tensor>(x: T, slope: number): T => tf.maximum(x, tf.mul(x, slope)) as T;

/** One native op forward and one backward; tfjs's own gradient would take three. */
function defineRectifier(name: string, forward: string, backward: string) {
  const attributes = () => [typeAttribute("T", DT.float)];
  return defineOp({
    name,
    inputs: ["x"],
    outputs: ["y"],
    saved: ["y"],
    forward: ({ x }) => [nativeBackend().executeSingleOutput(forward, attributes(), [x])],
    gradient: (dy, { y }) => ({ x: () => nativeBackend().executeSingleOutput(backward, attributes(), [dy, y]) }),
  });
}

const reluOp = defineRectifier("relu", "Relu", "ReluGrad");
const relu6Op = defineRectifier("relu6", "Relu6", "Relu6Grad");

/** max(x, 0), any shape; the gradient at 0 is 0 as in PyTorch. */
export const relu = <T extends Tensor>(x: T): T => reluOp({ x }).y as T;

/** min(max(x, 0), 6), any shape; the gradient at 0 and at 6 is 0 as in PyTorch. */
export const relu6 = <T extends Tensor>(x: T): T => relu6Op({ x }).y as T;
