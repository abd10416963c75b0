import { bytesField, floatField, integerField, joinFields, messageField, stringField } from "../common/protobuf.js";

/** Element types of onnx.TensorProto.DataType. */
export const ONNX = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;

/** Of onnx.ModelProto: IR 8 goes with opset 18, whose reductions have their axes as inputs. */
const [IR_VERSION, OPSET] = [8, 18];

/** A constant: shape, and elements in C order, little-endian. */
export interface OnnxTensor {
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A float is { float }, all other numbers are integers. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or an output; an axis with a name instead of a size is dynamic. */
export interface OnnxPort {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
}

/** AttributeProto. */
function attributeFields(name: string, value: OnnxAttribute): Uint8Array[] {
  const [FLOAT, INT, STRING, INTS] = [1, 2, 3, 7];
  const typed = (type: number, ...fields: Uint8Array[]) => [stringField(1, name), ...fields, integerField(20, type)];
  if (typeof value === "number") return typed(INT, integerField(3, value));
  if (typeof value === "string") return typed(STRING, stringField(4, value));
  if ("float" in value) return typed(FLOAT, floatField(2, value.float));
  return typed(INTS, ...value.map((each) => integerField(8, each)));
}

const nodeFields = ({ op, inputs, outputs, attributes }: OnnxNode): Uint8Array[] => [
  ...inputs.map((name) => stringField(1, name)),
  ...outputs.map((name) => stringField(2, name)),
  stringField(3, outputs[0] ?? op),
  stringField(4, op),
  ...Object.entries(attributes).map(([name, value]) => messageField(5, attributeFields(name, value))),
];

const tensorFields = (name: string, { type, shape, bytes }: OnnxTensor): Uint8Array[] => [
  ...shape.map((size) => integerField(1, size)),
  integerField(2, type),
  stringField(8, name),
  bytesField(9, bytes),
];

function portFields({ name, type, shape }: OnnxPort): Uint8Array[] {
  const axes = shape.map((size) =>
    messageField(1, [typeof size === "string" ? stringField(2, size) : integerField(1, size)]),
  );
  return [stringField(1, name), messageField(2, [messageField(1, [integerField(1, type), messageField(2, axes)])])];
}

/** The bytes of an .onnx file (ModelProto of onnx.proto, ONNX 1.12 and newer), weights inside. @param metadata by name */
export function onnxBytes(
  { nodes, constants, inputs, outputs }: OnnxGraph,
  version: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = [
    ...nodes.map((node) => messageField(1, nodeFields(node))),
    stringField(2, "pefd"),
    ...Array.from(constants, ([name, tensor]) => messageField(5, tensorFields(name, tensor))),
    ...inputs.map((port) => messageField(11, portFields(port))),
    ...outputs.map((port) => messageField(12, portFields(port))),
  ];
  return joinFields([
    integerField(1, IR_VERSION),
    stringField(2, "pefd"),
    stringField(3, version),
    messageField(7, graph),
    messageField(8, [stringField(1, ""), integerField(2, OPSET)]),
    ...Object.entries(metadata).map(([key, value]) => messageField(14, [stringField(1, key), stringField(2, value)])),
  ]);
}
