import { DT } from "../../runtime/native.js";
import { type GraphNode, intsConstant } from "../graph/graph.js";

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
