import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import type { Tensor } from "../runtime/tf.js";
import { defineOp } from "./kernels.js";

const attributes = () => [typeAttribute("T", DT.float)];

/** tfjs's own gradient is a chain with a power and constants, which graph optimizers rewrite to other last bits. */
const rsqrtOp = defineOp({
  name: "PefdRsqrt",
  inputs: ["x"],
  forward: ([x]) => [nativeBackend().executeSingleOutput("Rsqrt", attributes(), [x as Tensor])],
  save: { inputs: [], outputs: [0] },
  gradient: (dy, [y]) => ({
    x: () => nativeBackend().executeSingleOutput("RsqrtGrad", attributes(), [y as Tensor, dy]),
  }),
});

/** 1 / sqrt(x), any shape; infinite at 0. */
export const rsqrt = <T extends Tensor>(x: T): T => rsqrtOp([x], {})[0] as T;
