import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTemporaryFolder } from "../common/files/atomicFolder.js";
import { type NativeBinding, nativeBackend } from "../runtime/native.js";
import type { Tensor } from "../runtime/tf.js";
import type { Graph } from "./graph/graph.js";
import { savedModelBytes, TAG } from "./graph/savedModel.js";

/** A graph loaded into TensorFlow, with its variables. */
export interface Session {
  /** Runs a signature. @returns its outputs by name; the caller disposes of them */
  run(signature: string, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  dispose(): void;
}

/** Loads a graph. @param bytes it as a SavedModel, which is on disk only while TensorFlow reads it */
export function openSession(graph: Graph, bytes: Uint8Array = savedModelBytes(graph)): Session {
  const binding = nativeBackend().binding;
  const session = withTemporaryFolder("graph", (directory) => {
    writeFileSync(join(directory, "saved_model.pb"), bytes);
    return binding.loadSavedModel(directory, TAG);
  });
  // Only signatures are kept: nodes hold constants and stacks.
  const { signatures } = graph;
  // After a failed call, deleting the session could abort the process: TensorFlow may free buffers twice.
  let hasFailed = false;
  return {
    run(name, inputs) {
      hasFailed = true;
      const outputs = runSignature(binding, session, signatures, name, inputs);
      hasFailed = false;
      return outputs;
    },
    dispose() {
      if (!hasFailed) binding.deleteSavedModel(session);
    },
  };
}

function runSignature(
  binding: NativeBinding,
  session: number,
  signatures: Graph["signatures"],
  name: string,
  inputs: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const signature = signatures[name];
  if (signature === undefined) throw new RangeError(`The graph has no signature ${name}.`);
  const inputNames = Object.keys(signature.inputs);
  const ids = nativeBackend().getInputTensorIds(inputNames.map((key) => inputs[key] as Tensor));
  const outputNames = Object.keys(signature.outputs);
  const nodeNames = (keys: string[], ports: typeof signature.inputs) => keys.map((key) => ports[key]?.tensor).join(",");
  const results = binding.runSavedModel(
    session,
    ids,
    nodeNames(inputNames, signature.inputs),
    nodeNames(outputNames, signature.outputs),
  );
  const backend = nativeBackend();
  return Object.fromEntries(results.map((result, i) => [outputNames[i] as string, backend.createOutputTensor(result)]));
}
