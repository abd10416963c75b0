import { DT } from "../../runtime/native.js";
import {
  type GraphNode,
  isControl,
  isFloat,
  nodeOf,
  nodesByName,
  outputOf,
} from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** An op that TensorFlow's graph optimizer joins with one of its inputs, and which ops that input must come from. */
interface Temptation {
  readonly op: string;
  readonly inputs: ReadonlySet<string>;
}

/** What the optimizer would make of them, in other last bits than the ops as they were written. */
const TEMPTATIONS: readonly Temptation[] = [
  // x / sqrt(y) -> x * rsqrt(y)
  { op: "RealDiv", inputs: new Set(["Sqrt"]) },
  // log(softmax(x)) -> logSoftmax(x)
  { op: "Log", inputs: new Set(["Softmax"]) },
  // x * y + x * z -> x * (y + z)
  { op: "Add", inputs: new Set(["Mul"]) },
  { op: "AddV2", inputs: new Set(["Mul"]) },
  // (x * scalar) * y -> (scalar * y) * x
  { op: "Mul", inputs: new Set(["Mul"]) },
];

/**
 * Keeps ops apart that TensorFlow's graph optimizer would join into others with other last bits, so that a loss written
 * in plain ops gives the same bits in a graph as op by op. Between them stands what could be fed from outside: nothing
 * is known of it, and it costs no arithmetic.
 */
export const keepApart: Pass = (step) => ({ ...step, nodes: withBarriers(step.nodes) });

function withBarriers(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  const barriers = new Map<string, GraphNode>();
  const tempted = new Map(TEMPTATIONS.map(({ op, inputs }) => [op, inputs]));
  const behindBarrier = (ref: string): string => {
    const source = byName.get(nodeOf(ref)) as GraphNode;
    const shape = source.shapes?.[outputOf(ref)];
    if (shape === undefined) return ref;
    const name = `${source.name}/apart`;
    barriers.set(source.name, {
      name,
      op: "PlaceholderWithDefault",
      inputs: [ref],
      attributes: { dtype: { type: DT.float }, shape: { shape } },
      shapes: [shape],
    });
    return name;
  };
  const changed = nodes.map((node) => {
    const inputs = tempted.get(node.op);
    if (inputs === undefined || !isFloat(node, "T")) return node;
    return {
      ...node,
      inputs: node.inputs.map((ref) => {
        const source = isControl(ref) ? undefined : byName.get(nodeOf(ref));
        return source !== undefined && inputs.has(source.op) ? behindBarrier(ref) : ref;
      }),
    };
  });
  return changed.flatMap((node) => {
    const barrier = barriers.get(node.name);
    return barrier === undefined ? [node] : [node, barrier];
  });
}
