import {
  fusedConvolution,
  fusedInputGradient,
  OWN_CONVOLUTION,
  OWN_INPUT_GRADIENT,
} from "../../ops/own.js";
import {
  type GraphNode,
  nodeOf,
  nodesByName,
  outputOf,
  sameShape,
  usersOf,
} from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** What the pass knows of a graph. */
interface Context {
  readonly users: ReadonlyMap<string, readonly GraphNode[]>;
  readonly byName: ReadonlyMap<string, GraphNode>;
  /** Names of nodes that are read from outside. */
  readonly kept: ReadonlySet<string>;
}

/** The only user of a node that nobody outside reads, if it is of that kind and has the node's shape. */
function follower({ users, kept }: Context, node: GraphNode, ...ops: string[]) {
  const [user, ...others] = kept.has(node.name) ? [] : (users.get(node.name) ?? []);
  const isAlone = user !== undefined && others.length === 0 && ops.includes(user.op);
  return isAlone && sameShape(user.shapes?.[0], node.shapes?.[0]) ? user : undefined;
}

/** A sum with another value of the same shape that follows a node, and that value; undefined for any other user. */
function sumAfter(context: Context, node: GraphNode) {
  const sum = follower(context, node, "Add", "AddV2");
  const [term, ...more] = sum?.inputs.filter((ref) => nodeOf(ref) !== node.name) ?? [];
  if (sum === undefined || term === undefined || more.length > 0) return undefined;
  const shape = context.byName.get(nodeOf(term))?.shapes?.[outputOf(term)];
  return sameShape(shape, sum.shapes?.[0]) ? { sum, term } : undefined;
}

/** Nodes that become one, the first of them a convolution, with the op that they become and its further inputs. */
interface Chain {
  readonly nodes: readonly GraphNode[];
  readonly op: string;
  readonly inputs: readonly string[];
}

function afterConvolution(context: Context, convolution: GraphNode): Chain | undefined {
  const bias = follower(context, convolution, "BiasAdd");
  if (bias === undefined) return undefined;
  const summed = sumAfter(context, bias);
  const relu = follower(context, summed?.sum ?? bias, "Relu");
  return {
    nodes: [convolution, bias, summed?.sum, relu].filter((node) => node !== undefined),
    op: fusedConvolution({ sum: summed !== undefined, relu: relu !== undefined }),
    inputs: [bias.inputs[1], summed?.term].filter((ref) => ref !== undefined),
  };
}

function afterGradient(context: Context, gradient: GraphNode): Chain | undefined {
  const summed = sumAfter(context, gradient);
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
  const { nodes, updates } = recorded;
  const context: Context = {
    users: usersOf(nodes),
    byName: nodesByName(nodes),
    kept: new Set(updates.map(([, value]) => nodeOf(value))),
  };
  const dropped = new Set<string>();
  const fused = new Map<string, GraphNode>();
  for (const node of nodes) {
    const chain = CHAINS[node.op]?.(context, node);
    const last = chain?.nodes.at(-1);
    if (chain === undefined || last === undefined) continue;
    // Two convolutions whose sum is taken: one of them takes it.
    if (chain.nodes.some(({ name }) => dropped.has(name) || fused.has(name))) continue;
    const { op, inputs } = chain;
    fused.set(last.name, { ...node, name: last.name, op, inputs: [...node.inputs, ...inputs] });
    for (const { name } of chain.nodes.slice(0, -1)) dropped.add(name);
  }
  return {
    ...recorded,
    nodes: nodes.flatMap((node) => fused.get(node.name) ?? (dropped.has(node.name) ? [] : [node])),
  };
};
