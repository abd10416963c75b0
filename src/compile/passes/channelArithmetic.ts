import { DT } from "../../runtime/native.js";
import {
  type Attributes,
  floatConstant,
  type GraphNode,
  graphNode,
  intConstant,
  intsConstant,
  outputRef,
} from "../graph/graph.js";

const FLOAT = { type: DT.float };
const INDEX = { type: DT.int32 };

/** Writer of graph nodes for per-channel float32 arithmetic: each method returns its result's reference. @param channels the default shape of results */
export function writer(prefix: string, nodes: GraphNode[], channels: readonly number[]) {
  const add = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const put = (name: string, op: string, inputs: string[], attributes: Attributes, shapes = [channels]): string =>
    add(graphNode(`${prefix}/${name}`, op, inputs, attributes, shapes));
  const both = [2 * (channels[0] as number)];
  const binary =
    (op: string) =>
    (name: string, a: string, b: string, shape: readonly number[] = channels): string =>
      put(name, op, [a, b], { T: FLOAT }, [shape]);
  return {
    both,
    mul: binary("Mul"),
    sub: binary("Sub"),
    plus: binary("AddV2"),
    atLeast: binary("Maximum"),
    rsqrt: (name: string, x: string): string => put(name, "Rsqrt", [x], { T: FLOAT }),
    float: (name: string, value: number): string => add(floatConstant(`${prefix}/${name}`, value)),
    /** Sums of two tensors over all axes but the last, in one reduction. @returns [2 * C] */
    channelSums(name: string, a: string, b: string): string {
      const axis = add(intConstant(`${prefix}/${name}/axis`, 3));
      const concatenation = { N: { int: 2 }, T: FLOAT, Tidx: INDEX };
      const joined = add(graphNode(`${prefix}/${name}/both`, "ConcatV2", [a, b, axis], concatenation));
      const axes = add(intsConstant(`${prefix}/${name}/axes`, [0, 1, 2]));
      return put(name, "Sum", [joined, axes], { T: FLOAT, Tidx: INDEX, keep_dims: { bool: false } }, [both]);
    },
    halves(name: string, vector: string): [string, string] {
      const axis = add(intConstant(`${prefix}/${name}/axis`, 0));
      const split = put(name, "Split", [axis, vector], { T: FLOAT, num_split: { int: 2 } }, [channels, channels]);
      return [split, outputRef(split, 1)];
    },
  };
}
