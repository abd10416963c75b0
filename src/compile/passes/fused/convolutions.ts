import {
  fusedConvolution,
  fusedInputGradient,
  OWN_CONVOLUTION,
  OWN_INPUT_GRADIENT,
} from "../../../ops/own.js";
import { type GraphNode, nodeOf } from "../../graph/graph.js";
import { follower, type Surroundings, sumAfter, surroundingsOf } from "../followers.js";
import type { Pass } from "../pass.js";

/** Nodes that become one, the first of them a convolution, with the op that they become and its further inputs. */
interface Chain {
  readonly nodes: readonly GraphNode[];
  readonly op: string;
  readonly inputs: readonly string[];
}

/** What surrounds a node, and whether nobody has taken another one along yet. */
interface Context extends Surroundings {
  readonly isFree: (node: GraphNode) => boolean;
}

/** A sum that follows a node: of two nodes before it one takes it, and the other what comes before alone. */
function freeSumAfter(context: Context, node: GraphNode) {
  const summed = sumAfter(context, node);
  return summed !== undefined && context.isFree(summed.sum) ? summed : undefined;
}

function afterConvolution(context: Context, convolution: GraphNode): Chain | undefined {
  const bias = follower(context, convolution, "BiasAdd");
  if (bias === undefined) return undefined;
  const summed = freeSumAfter(context, bias);
  const relu = follower(context, summed?.sum ?? bias, "Relu");
  return {
    nodes: [convolution, bias, summed?.sum, relu].filter((node) => node !== undefined),
    op: fusedConvolution({ sum: summed !== undefined, relu: relu !== undefined }),
    inputs: [bias.inputs[1], summed?.term].filter((ref) => ref !== undefined),
  };
}

function afterGradient(context: Context, gradient: GraphNode): Chain | undefined {
  const summed = freeSumAfter(context, gradient);
  const value = summed?.sum ?? gradient;
  const relu = follower(context, value, "ReluGrad");
  const [passed, features] = relu?.inputs ?? [];
  const isItsGradient = passed !== undefined && nodeOf(passed) === value.name;
  const taken = isItsGradient ? relu : undefined;
  if (summed === undefined && taken === undefined) return undefined;
  return {
    nodes: [gradient, summed?.sum, taken].filter((node) => node !== undefined),
    op: fusedInputGradient({ sum: summed !== undefined, relu: taken !== undefined }),
    inputs: [summed?.term, taken && features].filter((ref) => ref !== undefined),
  };
}

/** What may follow each of our ops. */
const CHAINS: Readonly<Record<string, (context: Context, node: GraphNode) => Chain | undefined>> = {
  [OWN_CONVOLUTION]: afterConvolution,
  [OWN_INPUT_GRADIENT]: afterGradient,
};

/**
 * Our own convolutions joined with the bias, the sum and the ReLU that follow them, and the gradients of their images
 * with the sum and the gradient of ReLU, where nothing else looks at what lies between: everything is written once. The
 * same roundings in the same order, so the bits stay.
 */
export const fuseConvolutions: Pass = (recorded) => {
  const { nodes } = recorded;
  const dropped = new Set<string>();
  const fused = new Map<string, GraphNode>();
  const isFree = ({ name }: GraphNode) => !dropped.has(name) && !fused.has(name);
  const context = { ...surroundingsOf(recorded), isFree };
  for (const node of nodes) {
    const chain = CHAINS[node.op]?.(context, node);
    const last = chain?.nodes.at(-1);
    if (chain === undefined || last === undefined) continue;
    const { op, inputs } = chain;
    fused.set(last.name, { ...node, name: last.name, op, inputs: [...node.inputs, ...inputs] });
    for (const { name } of chain.nodes.slice(0, -1)) dropped.add(name);
  }
  return {
    ...recorded,
    nodes: nodes.flatMap((node) => fused.get(node.name) ?? (dropped.has(node.name) ? [] : [node])),
  };
};
