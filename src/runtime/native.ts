import { copyOfBinding, type NativeAttribute, type NativeBinding, type NativeTensor } from "./binding.js";
import { type Tensor, tf } from "./tf.js";

export type { NativeAttribute, NativeBinding, NativeTensor } from "./binding.js";

/** Element types of TensorFlow's C API (tensorflow/core/framework/types.proto). */
export const DT = {
  float: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  half: 19,
  resource: 20,
} as const;

/** The used part of tfjs-node's backend beyond the public tfjs API. */
export interface NativeBackend {
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(name: string, attributes: NativeAttribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: NativeAttribute[], inputs: Tensor[], outputCount: number): Tensor[];
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(tensor: NativeTensor): Tensor;
}

/** The backend of the loaded library. loadTensorFlow() must have been called. */
export const nativeBackend = (): NativeBackend => tf.backend() as unknown as NativeBackend;

/** The version of the loaded library. */
export const tensorFlowVersion = (): string => nativeBackend().binding.TF_Version;

/** Runs with some members of the binding replaced: all that tfjs asks of the library passes through them. */
export function withBinding<T>(changes: (binding: NativeBinding) => Partial<NativeBinding>, run: () => T): T {
  const backend = nativeBackend();
  const { binding } = backend;
  backend.binding = { ...copyOfBinding(binding), ...changes(binding) };
  try {
    return run();
  } finally {
    backend.binding = binding;
  }
}

const attribute =
  (kind: "STRING" | "INT" | "FLOAT" | "BOOL" | "TYPE") =>
  (name: string, value: unknown): NativeAttribute => ({
    name,
    type: nativeBackend().binding[`TF_ATTR_${kind}`],
    value,
  });

export const stringAttribute = attribute("STRING");
/** An integer attribute, or a list of integers. */
export const intAttribute = attribute("INT");
export const floatAttribute = attribute("FLOAT");
export const boolAttribute = attribute("BOOL");
/** An element-type attribute (see DT), or a list of them. */
export const typeAttribute = attribute("TYPE");
