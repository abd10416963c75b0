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

/** How a model's weights may be stored; TF.js computes in float32. */
export type TfjsWeights = "float32" | "float16" | "uint8";

interface StoredWeight {
  readonly bytes: Uint8Array;
  readonly quantization?: { readonly dtype: "float16" } | { readonly dtype: "uint8"; min: number; scale: number };
}

const float = new Float32Array(1);
const pattern = new Uint32Array(float.buffer);

/** The nearest float16 (to even), infinity beyond its range. */
function float16Bits(value: number): number {
  float[0] = Math.abs(value);
  const [bits = 0] = pattern;
  const sign = value < 0 ? 0x8000 : 0;
  if (bits >= 0x47800000) return sign | 0x7c00;
  // Subnormals are multiples of 2^-24, to which an addition of 0.5 rounds.
  if (bits < 0x38800000) return sign | ((Math.fround(Math.abs(value) + 0.5) - 0.5) * 2 ** 24);
  return sign | ((bits + 0xfff + ((bits >>> 13) & 1) - 0x38000000) >>> 13);
}

/** float32 weights in fewer bytes; uint8 is affine per tensor, as of tensorflowjs_converter, for filters and matrices. */
function storedAs(weights: TfjsWeights, bytes: Uint8Array, rank: number): StoredWeight {
  if (weights === "float32" || (weights === "uint8" && rank < 2)) return { bytes };
  const values = new Float32Array(bytes.slice().buffer);
  if (weights === "float16") {
    return { bytes: new Uint8Array(Uint16Array.from(values, float16Bits).buffer), quantization: { dtype: "float16" } };
  }
  const [min, max] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const scale = (max - min) / 255 || 1;
  return {
    bytes: Uint8Array.from(values, (x) => Math.round((x - min) / scale)),
    quantization: { dtype: "uint8", min, scale },
  };
}

/** A recorded computation as a GraphModel: GraphDef in JSON, and the constants as its weights. */
function artifactsOf({ nodes, input, outputs }: ForwardGraph, facts: ModelFacts, weights: TfjsWeights) {
  const constants = nodes.flatMap(({ name, attributes: { value } }) => {
    if (value === undefined || !("tensor" in value)) return [];
    const { shape, dtype, bytes } = value.tensor;
    const stored: StoredWeight = dtype === DT.float ? storedAs(weights, bytes, shape.length) : { bytes };
    return [{ name, shape, dtype, ...stored }];
  });
  return {
    format: "graph-model",
    generatedBy: "pefd",
    convertedBy: `pefd ${facts.pefd_version}`,
    signature: { inputs: portsJson({ images: input }), outputs: portsJson(outputs) },
    userDefinedMetadata: { ...facts, structuredOutputKeys: OUTPUTS },
    modelTopology: { node: nodes.map(nodeJson), versions: {}, library: {} },
    weightSpecs: constants.map(({ name, shape, dtype, quantization }) => ({
      name,
      shape: [...shape],
      dtype: dtype === DT.float ? ("float32" as const) : ("int32" as const),
      ...(quantization && { quantization }),
    })),
    weightData: joinFields(constants.map(({ bytes }) => bytes)).buffer as ArrayBuffer,
  };
}

/** A recorded computation as a GraphModel that TF.js loads and runs. @throws inputError naming an op that TF.js has not */
export function tfjsModel(forward: ForwardGraph, facts: ModelFacts, weights: TfjsWeights = "float32"): TfjsArtifacts {
  const artifacts = artifactsOf(forward, facts, weights);
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
  weights: TfjsWeights = "float32",
): TfjsArtifacts =>
  withServed(source, env, (model, format) => {
    const forward = recordModel(model, [format.height, format.height, 3]);
    return tfjsModel(forward, modelFacts(source, format, classes, version), weights);
  });

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
