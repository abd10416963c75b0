import { DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import type { Tensor } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

const attributes = () => [typeAttribute("T", DT.float)];

/** tfjs's own gradient is a chain with a power and constants, which graph optimizers rewrite to other last bits. */
const rsqrtOp = defineOp({
  name: "rsqrt",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["y"],
  forward: ({ x }) => [nativeBackend().executeSingleOutput("Rsqrt", attributes(), [x])],
  gradient: (dy, { y }) => ({
    x: () => nativeBackend().executeSingleOutput("RsqrtGrad", attributes(), [y, dy]),
  }),
});

/** 1 / sqrt(x), any shape; infinite at 0. */
export const rsqrt = <T extends Tensor>(x: T): T => rsqrtOp({ x }).y as T;
