import { type GraphNode, nodeOf, nodesByName, plainRef, sameShape, shapeBehind, usersOf } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";

export interface Surroundings {
  readonly users: ReadonlyMap<string, readonly GraphNode[]>;
  readonly byName: ReadonlyMap<string, GraphNode>;
  /** References with users outside of the graph. */
  readonly kept: ReadonlySet<string>;
}

export const surroundingsOf = ({ nodes, updates }: RecordedStep): Surroundings => ({
  users: usersOf(nodes),
  byName: nodesByName(nodes),
  kept: new Set(updates.map(([, value]) => plainRef(value))),
});

/** The only user of a node's first output, if it is of these ops and has the same shape. */
export function follower({ users, kept }: Surroundings, node: GraphNode, ...ops: string[]): GraphNode | undefined {
  const reads = (user: GraphNode) => user.inputs.some((ref) => plainRef(ref) === node.name);
  const waits = (user: GraphNode) => user.inputs.includes(`^${node.name}`);
  const all = (users.get(node.name) ?? []).filter((user) => reads(user) || waits(user));
  const [user, ...others] = kept.has(node.name) ? [] : all;
  const isAlone = user !== undefined && others.length === 0 && ops.includes(user.op);
  return isAlone && sameShape(user.shapes?.[0], node.shapes?.[0]) ? user : undefined;
}

/** The sum that is a node's only user, and its other operand, of the same shape. */
export function sumAfter(surroundings: Surroundings, node: GraphNode) {
  const sum = follower(surroundings, node, "Add", "AddV2");
  const [term, ...more] = sum?.inputs.filter((ref) => nodeOf(ref) !== node.name) ?? [];
  if (sum === undefined || term === undefined || more.length > 0) return undefined;
  const shape = shapeBehind(surroundings.byName, term);
  return sameShape(shape, sum.shapes?.[0]) ? { sum, term } : undefined;
}
