import { type NativeAttribute, nativeBackend } from "../../runtime/native.js";
import type { AttributeValue } from "../graph/graph.js";
import { TraceError } from "./traceError.js";

/** An attribute as a graph holds it. @throws TraceError for a kind that no op used so far has */
export function attributeValue({ name, type, value }: NativeAttribute): AttributeValue {
  const { binding } = nativeBackend();
  switch (type) {
    case binding.TF_ATTR_STRING:
      return { string: value as string };
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { ints: value } : { int: value as number };
    case binding.TF_ATTR_FLOAT:
      return Array.isArray(value) ? { floats: value } : { float: value as number };
    case binding.TF_ATTR_BOOL:
      return Array.isArray(value) ? { bools: value } : { bool: value as boolean };
    case binding.TF_ATTR_TYPE:
      return Array.isArray(value) ? { types: value } : { type: value as number };
    case binding.TF_ATTR_SHAPE:
      return { shape: value as number[] };
    default:
      throw new TraceError(
        `the attribute ${name} has a kind (${type}) that graphs here cannot hold`,
      );
  }
}
