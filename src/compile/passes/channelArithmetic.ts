import { DT } from "../../runtime/native.js";
import { floatConstant, type GraphNode, intConstant, intsConstant, outputRef } from "../graph/graph.js";

const FLOAT = { type: DT.float };
const INDEX = { type: DT.int32 };

/** Appends nodes; each method returns its result's reference. @param channels the default shape of results */
export function writer(prefix: string, nodes: GraphNode[], channels: readonly number[]) {
  const put = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const both = [2 * (channels[0] as number)];
  const binary =
    (op: string) =>
    (name: string, a: string, b: string, shape: readonly number[] = channels): string =>
      put({ name: `${prefix}/${name}`, op, inputs: [a, b], attributes: { T: FLOAT }, shapes: [shape] });
  return {
    both,
    mul: binary("Mul"),
    sub: binary("Sub"),
    plus: binary("AddV2"),
    atLeast: binary("Maximum"),
    rsqrt: (name: string, x: string): string =>
      put({ name: `${prefix}/${name}`, op: "Rsqrt", inputs: [x], attributes: { T: FLOAT }, shapes: [channels] }),
    float: (name: string, value: number): string => put(floatConstant(`${prefix}/${name}`, value)),
    /** Sums of two tensors over all axes but the last, in one reduction. @returns [2 * C] */
    channelSums(name: string, a: string, b: string): string {
      const axis = put(intConstant(`${prefix}/${name}/axis`, 3));
      const joined = put({
        name: `${prefix}/${name}/both`,
        op: "ConcatV2",
        inputs: [a, b, axis],
        attributes: { N: { int: 2 }, T: FLOAT, Tidx: INDEX },
      });
      const axes = put(intsConstant(`${prefix}/${name}/axes`, [0, 1, 2]));
      return put({
        name: `${prefix}/${name}`,
        op: "Sum",
        inputs: [joined, axes],
        attributes: { T: FLOAT, Tidx: INDEX, keep_dims: { bool: false } },
        shapes: [both],
      });
    },
    halves(name: string, vector: string): [string, string] {
      const axis = put(intConstant(`${prefix}/${name}/axis`, 0));
      const split = put({
        name: `${prefix}/${name}`,
        op: "Split",
        inputs: [axis, vector],
        attributes: { T: FLOAT, num_split: { int: 2 } },
        shapes: [channels, channels],
      });
      return [split, outputRef(split, 1)];
    },
  };
}
