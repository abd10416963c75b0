/** The whole API of tfjs-node-gpu. Import it, and the types below, from tf.ts. */
export type TensorFlow = typeof import("@tensorflow/tfjs-node-gpu");
export type Tensor = import("@tensorflow/tfjs-node-gpu").Tensor;
export type Tensor1D = import("@tensorflow/tfjs-node-gpu").Tensor1D;
export type Tensor2D = import("@tensorflow/tfjs-node-gpu").Tensor2D;
export type Tensor4D = import("@tensorflow/tfjs-node-gpu").Tensor4D;
export type Scalar = import("@tensorflow/tfjs-node-gpu").Scalar;
export type Variable = import("@tensorflow/tfjs-node-gpu").Variable;
