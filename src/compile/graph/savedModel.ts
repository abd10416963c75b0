import {
  bytesField,
  floatField,
  integerField,
  joinFields,
  mapField,
  messageField,
  stringField,
} from "../../common/protobuf.js";
import type { Attributes, AttributeValue, Graph, GraphFunction, GraphNode, GraphPort, Signature } from "./graph.js";

/** A GraphDef version that TensorFlow 2.x reads (tensorflow/core/public/version.h). */
const PRODUCER = 1882;

/** The tag under which the graph is stored and loaded. */
export const TAG = "serve";

type Fields = readonly Uint8Array[];

const shapeFields = (shape: readonly number[]): Fields => shape.map((size) => messageField(2, [integerField(1, size)]));

const listFields = (value: AttributeValue): Fields => {
  if ("ints" in value) return value.ints.map((v) => integerField(3, v));
  if ("floats" in value) return value.floats.map((v) => floatField(4, v));
  if ("bools" in value) return value.bools.map((v) => integerField(5, v ? 1 : 0));
  if ("types" in value) return value.types.map((v) => integerField(6, v));
  if ("shapes" in value) return value.shapes.map((v) => messageField(7, shapeFields(v)));
  return [];
};

/** AttrValue of tensorflow/core/framework/attr_value.proto. */
function attributeFields(value: AttributeValue): Fields {
  if ("string" in value) {
    return typeof value.string === "string" ? [stringField(2, value.string)] : [bytesField(2, value.string)];
  }
  if ("int" in value) return [integerField(3, value.int)];
  if ("float" in value) return [floatField(4, value.float)];
  if ("bool" in value) return [integerField(5, value.bool ? 1 : 0)];
  if ("type" in value) return [integerField(6, value.type)];
  if ("shape" in value) return [messageField(7, shapeFields(value.shape))];
  if ("func" in value) return [messageField(10, [stringField(1, value.func)])];
  if ("tensor" in value) {
    const { dtype, shape, bytes } = value.tensor;
    const tensor = [integerField(1, dtype), messageField(2, shapeFields(shape)), bytesField(4, bytes)];
    return [messageField(8, tensor)];
  }
  return [messageField(1, listFields(value))];
}

const attributeMap = (field: number, attributes: Attributes): Uint8Array =>
  mapField(
    field,
    Object.entries(attributes).map(([key, value]) => [key, attributeFields(value)] as const),
  );

const nodeFields = (node: GraphNode): Fields => [
  stringField(1, node.name),
  stringField(2, node.op),
  ...node.inputs.map((input) => stringField(3, input)),
  ...(node.device === undefined ? [] : [stringField(4, node.device)]),
  attributeMap(5, node.attributes),
];

function functionFields(definition: GraphFunction): Fields {
  const argument = (field: number, name: string, type: number) =>
    messageField(field, [stringField(1, name), integerField(3, type)]);
  const signature = [
    stringField(1, definition.name),
    ...definition.inputs.map(([name, type]) => argument(2, name, type)),
    ...definition.outputs.map(([name, type]) => argument(3, name, type)),
    integerField(17, 1), // stateful: it writes variables
  ];
  const results = definition.outputs.map(([name, , ref]) =>
    messageField(4, [stringField(1, name), stringField(2, ref)]),
  );
  return [
    messageField(1, signature),
    ...definition.nodes.map((node) => messageField(3, nodeFields(node))),
    ...results,
    attributeMap(5, definition.attributes),
  ];
}

const portFields = ({ tensor, dtype, shape }: GraphPort): Fields => [
  stringField(1, tensor),
  integerField(2, dtype),
  messageField(3, shapeFields(shape)),
];

const portMap = (field: number, ports: Signature["inputs"]): Uint8Array =>
  mapField(
    field,
    Object.entries(ports).map(([key, port]) => [key, portFields(port)] as const),
  );

const signatureFields = (signature: Signature): Fields => [
  portMap(1, signature.inputs),
  portMap(2, signature.outputs),
  stringField(3, "tensorflow/serving/predict"),
];

/** The bytes of a saved_model.pb with one graph under TAG. */
export function savedModelBytes(graph: Graph): Uint8Array {
  const graphDef = [
    ...graph.nodes.map((node) => messageField(1, nodeFields(node))),
    messageField(
      2,
      graph.functions.map((definition) => messageField(1, functionFields(definition))),
    ),
    messageField(4, [integerField(1, PRODUCER)]),
  ];
  const metaGraph = [
    messageField(1, [stringField(4, TAG)]),
    messageField(2, graphDef),
    mapField(
      5,
      Object.entries(graph.signatures).map(([name, s]) => [name, signatureFields(s)] as const),
    ),
  ];
  return joinFields([integerField(1, 1), messageField(2, metaGraph)]);
}
