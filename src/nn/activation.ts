import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import type { Tensor } from "../runtime/tf.js";
import { defineOp } from "./kernels.js";

/** One native op forward and one backward; tfjs's own gradient would take three. */
function defineRectifier(kernel: string, forward: string, backward: string) {
  const attributes = () => [typeAttribute("T", DT.float)];
  return defineOp({
    name: kernel,
    inputs: ["x"],
    forward: ([x]) => [nativeBackend().executeSingleOutput(forward, attributes(), [x as Tensor])],
    save: { inputs: [], outputs: [0] },
    gradient: (dy, [y]) => ({
      x: () => nativeBackend().executeSingleOutput(backward, attributes(), [dy, y as Tensor]),
    }),
  });
}

const reluOp = defineRectifier("PefdRelu", "Relu", "ReluGrad");
const relu6Op = defineRectifier("PefdRelu6", "Relu6", "Relu6Grad");

/** max(x, 0), any shape; the gradient at 0 is 0 as in PyTorch. */
export const relu = <T extends Tensor>(x: T): T => reluOp([x], {})[0] as T;

/** min(max(x, 0), 6), any shape; the gradient at 0 and at 6 is 0 as in PyTorch. */
export const relu6 = <T extends Tensor>(x: T): T => relu6Op([x], {})[0] as T;
