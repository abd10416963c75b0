/** A SavedModel of TensorFlow, opened. */
interface OpenSavedModel {
  predict(inputs: Readonly<Record<string, Tensor>>): unknown;
  dispose(): void;
}

/** What TensorFlow.js for Node.js has beyond the API of TensorFlow.js. */
interface NodeApi {
  readonly node: {
    loadSavedModel(folder: string, tags: string[], signature: string): Promise<OpenSavedModel>;
  };
}

/** The whole API of TensorFlow.js for Node.js. Import it, and the types below, from tf.ts. */
export type TensorFlow = typeof import("@tensorflow/tfjs") & NodeApi;
export type Tensor = import("@tensorflow/tfjs").Tensor;
export type Tensor1D = import("@tensorflow/tfjs").Tensor1D;
export type Tensor2D = import("@tensorflow/tfjs").Tensor2D;
export type Tensor4D = import("@tensorflow/tfjs").Tensor4D;
export type Scalar = import("@tensorflow/tfjs").Scalar;
export type Variable = import("@tensorflow/tfjs").Variable;
