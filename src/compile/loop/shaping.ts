import { DT } from "../../runtime/native.js";
import { constNode, type GraphNode } from "../graph/graph.js";

/** A vector of whole numbers. */
export const intsConstant = (name: string, values: readonly number[]): GraphNode =>
  constNode(name, {
    dtype: DT.int32,
    shape: [values.length],
    bytes: new Uint8Array(Int32Array.from(values).buffer),
  });

/** A tensor in another shape, and the constant that says it. */
export function reshaped(
  name: string,
  ref: string,
  shape: readonly number[],
  type: number = DT.float,
): GraphNode[] {
  return [
    intsConstant(`${name}/shape`, shape),
    {
      name,
      op: "Reshape",
      inputs: [ref, `${name}/shape`],
      attributes: { T: { type }, Tshape: { type: DT.int32 } },
      shapes: [shape],
    },
  ];
}
