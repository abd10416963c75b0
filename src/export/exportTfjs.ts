import { inputError } from "../common/errors.js";
import { writeFolderAtomic } from "../common/files/atomicFolder.js";
import { joinFields } from "../common/protobuf.js";
import type { AttributeValue, GraphNode, GraphPort } from "../compile/graph/graph.js";
import type { ForwardGraph } from "../compile/record/forwardGraph.js";
import { DT } from "../runtime/native.js";
import { tf } from "../runtime/tf.js";
import { type ModelFacts, modelFacts, recordModel, type SavedModelSource, withServed } from "./exportSavedModel.js";

/** As tensorflowjs_converter divides weights, so that browsers keep them in their caches. */
const SHARD_BYTES = 4 * 2 ** 20;
const OUTPUTS = ["logits", "probabilities", "features"];

/** TF.js's io.ModelArtifacts of a GraphModel. */
export type TfjsArtifacts = ReturnType<typeof artifactsOf>;

const shapeJson = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) });

/** Names in attr_value.proto of what has one value. */
const FIELDS: Readonly<Record<string, string>> = { int: "i", float: "f", bool: "b", type: "type" };

/** AttrValue in JSON, as far as TF.js reads it; a tensor's values are in the weights. */
function attributeJson(value: AttributeValue): object {
  if ("string" in value) return { s: Buffer.from(value.string).toString("base64") };
  if ("shape" in value) return { shape: shapeJson(value.shape) };
  if ("ints" in value) return { list: { i: value.ints } };
  const [[kind = "", own] = []] = Object.entries(value);
  const field = FIELDS[kind];
  return field === undefined ? {} : { [field]: own };
}

const nodeJson = ({ name, op, inputs, attributes }: GraphNode) => ({
  name,
  op,
  input: inputs,
  attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeJson(value)])),
});

const portsJson = (ports: Readonly<Record<string, GraphPort>>) =>
  Object.fromEntries(
    Object.entries(ports).map(([key, { tensor, dtype, shape }]) => [
      key,
      { name: tensor, dtype, tensorShape: shapeJson(shape) },
    ]),
  );

/** A recorded computation as a GraphModel: GraphDef in JSON, and the constants as its weights. */
function artifactsOf({ nodes, input, outputs }: ForwardGraph, facts: ModelFacts) {
  const constants = nodes.flatMap(({ name, attributes: { value } }) =>
    value !== undefined && "tensor" in value ? [{ name, ...value.tensor }] : [],
  );
  return {
    format: "graph-model",
    generatedBy: "pefd",
    convertedBy: `pefd ${facts.pefd_version}`,
    signature: { inputs: portsJson({ images: input }), outputs: portsJson(outputs) },
    userDefinedMetadata: { ...facts, structuredOutputKeys: OUTPUTS },
    modelTopology: { node: nodes.map(nodeJson), versions: {}, library: {} },
    weightSpecs: constants.map(({ name, shape, dtype }) => ({
      name,
      shape: [...shape],
      dtype: dtype === DT.float ? ("float32" as const) : ("int32" as const),
    })),
    weightData: joinFields(constants.map(({ bytes }) => bytes)).buffer as ArrayBuffer,
  };
}

/** A recorded computation as a GraphModel that TF.js loads and runs. @throws inputError naming an op that TF.js has not */
export function tfjsModel(forward: ForwardGraph, facts: ModelFacts): TfjsArtifacts {
  const artifacts = artifactsOf(forward, facts);
  const model = tf.loadGraphModelSync(tf.io.fromMemorySync(artifacts));
  try {
    tf.tidy(() => void model.predict(tf.zeros([1, facts.image_size, facts.image_size, 3])));
    return artifacts;
  } catch (error) {
    const [, op] = /Unknown op '(.*?)'/.exec((error as Error).message) ?? [];
    if (op === undefined) throw error;
    throw inputError(`TF.js has no op ${op}.`, "Convert to a SavedModel instead (OUT/), or compute it with other ops.");
  } finally {
    model.dispose();
  }
}

/** A model in evaluation mode as tfjsModel. @throws inputError as tfjsModel, or for tensors that do not fit the model */
export const tfjsArtifacts = (
  source: SavedModelSource,
  classes: readonly string[],
  version: string,
  env: Readonly<Record<string, string | undefined>>,
): TfjsArtifacts =>
  withServed(source, env, (model, format) =>
    tfjsModel(recordModel(model, [format.height, format.height, 3]), modelFacts(source, format, classes, version)),
  );

/**
 * Writes a GraphModel of TF.js, replacing the folder: model.json and shards of weights, normalised float32 images
 * [N, H, W, 3] to logits, probabilities and features.
 * @param page of an HTML file that classifies images, if any
 */
export function writeTfjs(to: string, artifacts: TfjsArtifacts, page: string | undefined): Promise<void> {
  const { weightData, weightSpecs, ...model } = artifacts;
  const count = Math.ceil(weightData.byteLength / SHARD_BYTES);
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const json = JSON.stringify({ ...model, weightsManifest: [{ paths, weights: weightSpecs }] });
  const shard = (i: number) => new Uint8Array(weightData.slice(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
  return writeFolderAtomic(to, {
    ...Object.fromEntries(paths.map((path, i) => [path, shard(i)])),
    "model.json": Buffer.from(json),
    ...(page !== undefined && { "index.html": Buffer.from(page) }),
  });
}
