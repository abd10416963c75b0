import { fusedConvolution, ownOp } from "../runtime/convolutions.js";
import { type GraphNode, isControl, nodeOf, outputOf, sameShape } from "./graph.js";
import type { RecordedStep } from "./trace.js";

/** Who uses each node's output. */
type Users = ReadonlyMap<string, readonly GraphNode[]>;

function usersOf(nodes: readonly GraphNode[]): Users {
  const users = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of node.inputs.filter((ref) => !isControl(ref)).map(nodeOf)) {
      const known = users.get(name);
      if (known === undefined) users.set(name, [node]);
      else known.push(node);
    }
  }
  return users;
}

/** The only user of a node that nobody outside reads, if it is of that kind and has the node's shape. */
function follower(users: Users, kept: ReadonlySet<string>, node: GraphNode, ...ops: string[]) {
  const [user, ...others] = kept.has(node.name) ? [] : (users.get(node.name) ?? []);
  const isAlone = user !== undefined && others.length === 0 && ops.includes(user.op);
  return isAlone && sameShape(user.shapes?.[0], node.shapes?.[0]) ? user : undefined;
}

/** What is added to `node` by a sum of two different values of one shape; undefined for any other sum. */
function otherTerm(sum: GraphNode, node: GraphNode, byName: ReadonlyMap<string, GraphNode>) {
  const [term, ...more] = sum.inputs.filter((ref) => nodeOf(ref) !== node.name);
  if (term === undefined || more.length > 0) return undefined;
  const shape = byName.get(nodeOf(term))?.shapes?.[outputOf(term)];
  return sameShape(shape, sum.shapes?.[0]) ? term : undefined;
}

/**
 * Our own convolutions joined with the bias, the sum and the ReLU that follow them, where nothing else looks at what
 * lies between: every activation is written once. The same roundings in the same order, so the bits stay.
 */
export function fuseConvolutions(recorded: RecordedStep): RecordedStep {
  const { nodes, updates } = recorded;
  const kept = new Set(updates.map(([, value]) => nodeOf(value)));
  const users = usersOf(nodes);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const dropped = new Set<string>();
  const fused = new Map<string, GraphNode>();
  const join = (convolution: GraphNode): void => {
    const bias = follower(users, kept, convolution, "BiasAdd");
    if (bias === undefined) return;
    const sum = follower(users, kept, bias, "Add", "AddV2");
    const term = sum && otherTerm(sum, bias, byName);
    const summed = sum !== undefined && term !== undefined ? sum : bias;
    const relu = follower(users, kept, summed, "Relu");
    const last = relu ?? summed;
    const chain = [...new Set([convolution, bias, summed, last])];
    // Two convolutions whose sum is taken: one of them takes it.
    if (chain.some(({ name }) => dropped.has(name) || fused.has(name))) return;
    fused.set(last.name, {
      ...convolution,
      name: last.name,
      op: fusedConvolution({ sum: summed === sum, relu: relu !== undefined }),
      inputs: [
        ...convolution.inputs,
        bias.inputs[1] as string,
        ...(term === undefined ? [] : [term]),
      ],
    });
    for (const { name } of chain.slice(0, -1)) dropped.add(name);
  };
  for (const node of nodes) if (node.op === ownOp("Conv2D")) join(node);
  return {
    ...recorded,
    nodes: nodes.flatMap((node) => fused.get(node.name) ?? (dropped.has(node.name) ? [] : [node])),
  };
}
