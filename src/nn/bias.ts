import { DT, nativeBackend, stringAttribute, typeAttribute } from "../runtime/native.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

const attributes = () => [typeAttribute("T", DT.float), stringAttribute("data_format", "NHWC")];

/**
 * [..., C] as [rows, C]. In its own shape TensorFlow would join this gradient with that of the convolution before it,
 * in graphs only and with other last bits.
 */
const asRows = (dy: Tensor): Tensor => tf.reshape(dy, [-1, dy.shape.at(-1) as number]);

const biasAddOp = defineOp({
  name: "biasAdd",
  inputs: ["x", "bias"],
  outputs: ["y"],
  saved: [],
  forward: ({ x, bias }) => [
    nativeBackend().executeSingleOutput("BiasAdd", attributes(), [x, bias]),
  ],
  gradient: (dy) => ({
    x: () => dy.clone(),
    bias: () => nativeBackend().executeSingleOutput("BiasAddGrad", attributes(), [asRows(dy)]),
  }),
});

/**
 * Adds a vector to the last axis. TensorFlow's own op for it, which its graph optimizer fuses into the convolution
 * or matrix product before it.
 * @param x [..., C]
 * @param bias [C]
 */
export const biasAdd = <T extends Tensor>(x: T, bias: Tensor): T => biasAddOp({ x, bias }).y as T;
