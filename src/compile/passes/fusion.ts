import { opNamed } from "../../ops/ops.js";
import {
  fusedBatchNorm,
  fusedConvolution,
  fusedInputGradient,
  OWN_BATCH_NORM,
  OWN_CONVOLUTION,
  OWN_ELEMENTWISE,
  OWN_INPUT_GRADIENT,
} from "../../ops/own.js";
import { DT } from "../../runtime/native.js";
import {
  type GraphNode,
  isControl,
  isFloat,
  nodeBehind,
  nodeOf,
  outputRef,
  renamer,
  sameShape,
  shapeBehind,
  topologicallySorted,
} from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";
import { follower, type Surroundings, sumAfter, surroundingsOf } from "./followers.js";

/** Nodes to fuse, the first a convolution; the fused op and its extra inputs. */
type Chain = { readonly nodes: readonly GraphNode[]; readonly op: string; readonly inputs: readonly string[] };

type FusionContext = Surroundings & { readonly isFree: (node: GraphNode) => boolean };

/** A sum after a node that is not fused with its other operand. */
function freeSumAfter(context: FusionContext, node: GraphNode) {
  const summed = sumAfter(context, node);
  return summed !== undefined && context.isFree(summed.sum) ? summed : undefined;
}

function afterConvolution(context: FusionContext, convolution: GraphNode): Chain | undefined {
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

function afterGradient(context: FusionContext, gradient: GraphNode): Chain | undefined {
  const summed = freeSumAfter(context, gradient);
  const value = summed?.sum ?? gradient;
  const relu = follower(context, value, "ReluGrad");
  const [passed, features] = relu?.inputs ?? [];
  const isItsGradient = passed !== undefined && nodeOf(passed) === value.name;
  const tail = isItsGradient ? relu : undefined;
  if (summed === undefined && tail === undefined) return undefined;
  return {
    nodes: [gradient, summed?.sum, tail].filter((node) => node !== undefined),
    op: fusedInputGradient({ sum: summed !== undefined, relu: tail !== undefined }),
    inputs: [summed?.term, tail && features].filter((ref) => ref !== undefined),
  };
}

/** Fusible tails of each of our ops. */
const CHAINS: Readonly<Record<string, (context: FusionContext, node: GraphNode) => Chain | undefined>> = {
  [OWN_CONVOLUTION]: afterConvolution,
  [OWN_INPUT_GRADIENT]: afterGradient,
};

/** Fuses our convolutions and data gradients with epilogues where results between have no other user: the same bits. */
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

/** The epilogue of a batch normalisation: its nodes, the last of which the fused op replaces, and the added tensor. */
interface FusedTail {
  readonly nodes: readonly GraphNode[];
  readonly term: string | undefined;
  readonly relu: boolean;
}

/** @param isThere whether a tensor exists before the batch normalisation */
function fusedTail(
  surroundings: Surroundings,
  node: GraphNode,
  isThere: (ref: string) => boolean,
): FusedTail | undefined {
  const summed = sumAfter(surroundings, node);
  if (summed !== undefined && !isThere(summed.term)) return undefined;
  const relu = follower(surroundings, summed?.sum ?? node, "Relu");
  const nodes = [summed?.sum, relu].filter((each) => each !== undefined);
  return nodes.length === 0 ? undefined : { nodes, term: summed?.term, relu: relu !== undefined };
}

/** Fuses our batch normalisation with sum and ReLU in the same way: one store instead of three. The bits stay. */
export const fuseBatchNorm: Pass = (step) => {
  const surroundings = surroundingsOf(step);
  const there = new Set<string>();
  // The node that now has the result of each fused node.
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const isFused = moved.has(node.name);
    const tail =
      node.op === OWN_BATCH_NORM ? fusedTail(surroundings, node, (ref) => there.has(nodeOf(ref))) : undefined;
    there.add(node.name);
    for (const { name } of tail?.nodes ?? []) moved.set(name, node.name);
    if (isFused) return [];
    const inputs = [...node.inputs, ...(tail?.term === undefined ? [] : [tail.term])].map(place);
    if (tail === undefined) return [{ ...node, inputs }];
    const op = fusedBatchNorm({ sum: tail.term !== undefined, relu: tail.relu });
    return [{ ...node, op, inputs }];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};

type Group = readonly GraphNode[];

type Context = Surroundings & { readonly order: ReadonlyMap<string, number> };

/** Whether all operands of a node have its shape or are scalars. */
function isElementwise(node: GraphNode, { byName }: Context): boolean {
  const shape = node.shapes?.[0];
  if (opNamed(node.op)?.opcode === undefined || !isFloat(node, "T") || node.inputs.some(isControl)) return false;
  if (shape === undefined || shape.length === 0) return false;
  return node.inputs.every((ref) => {
    const operand = shapeBehind(byName, ref);
    return operand?.length === 0 || sameShape(operand, shape);
  });
}

/** Whether a group is convex: no path leaves it and comes back. */
function isConvex(group: Group, { byName, order }: Context): boolean {
  const members = new Set(group.map(({ name }) => name));
  const first = Math.min(...group.map(({ name }) => order.get(name) as number));
  const seen = new Set<string>();
  const pending = group.flatMap(({ inputs }) => inputs.map(nodeBehind)).filter((n) => !members.has(n));
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (members.has(name)) return false;
    // Nodes recorded before the group's first do not depend on it.
    if (seen.has(name) || (order.get(name) ?? -1) < first) continue;
    seen.add(name);
    pending.push(...(byName.get(name)?.inputs ?? []).map(nodeBehind));
  }
  return true;
}

/** The groups of a graph: each node joins those of its operands while that stays convex. */
function groupsOf(nodes: readonly GraphNode[], context: Context): Group[] {
  const groups = new Map<string, Group>();
  for (const node of nodes) {
    if (!isElementwise(node, context)) continue;
    let group: Group = [node];
    for (const neighbour of new Set(node.inputs.map((ref) => groups.get(nodeOf(ref))))) {
      if (neighbour === undefined || !sameShape(neighbour[0]?.shapes?.[0], node.shapes?.[0])) continue;
      const joined = [...neighbour, ...group];
      if (isConvex(joined, context)) group = joined;
    }
    for (const member of group) groups.set(member.name, group);
  }
  const inOrder = (group: Group): Group =>
    [...group].sort((a, b) => (context.order.get(a.name) as number) - (context.order.get(b.name) as number));
  return [...new Set(groups.values())].map(inOrder);
}

/** The fused op of a group. @param results members with users outside */
function fusedNode(group: Group, results: readonly string[]): GraphNode {
  const members = new Set(group.map(({ name }) => name));
  const operands = [...new Set(group.flatMap(({ inputs }) => inputs))].filter((ref) => !members.has(nodeOf(ref)));
  const registers = new Map(operands.map((ref, i) => [ref, i]));
  const last = group.at(-1) as GraphNode;
  const program = group.flatMap((node, i) => {
    const [a, b = a] = node.inputs.map((ref) => {
      return registers.get(members.has(nodeOf(ref)) ? nodeOf(ref) : ref) as number;
    });
    registers.set(node.name, operands.length + i);
    return [opNamed(node.op)?.opcode as number, a as number, b as number];
  });
  return {
    name: last.name,
    op: OWN_ELEMENTWISE,
    inputs: operands,
    attributes: {
      T: { type: DT.float },
      N: { int: operands.length },
      M: { int: results.length },
      program: { ints: program },
      registers: { ints: results.map((name) => registers.get(name) as number) },
    },
    shapes: results.map(() => last.shapes?.[0] ?? []),
    ...(last.caller === undefined ? {} : { caller: last.caller }),
  };
}

function resultsOf(group: Group, { users, kept }: Context): string[] {
  const names = group.map(({ name }) => name);
  const members = new Set(names);
  const isRead = (name: string): boolean =>
    kept.has(name) || (users.get(name) ?? []).some((user) => !members.has(user.name));
  return names.filter(isRead);
}

/** Fuses groups of at least so many nodes. */
function fusedGroups(recorded: RecordedStep, fewest: number): RecordedStep {
  const { nodes, updates } = recorded;
  const context = { ...surroundingsOf(recorded), order: new Map(nodes.map(({ name }, i) => [name, i])) };
  const fused = new Map<string, GraphNode>();
  const moved = new Map<string, string>();
  const dropped = new Set<string>();
  for (const group of groupsOf(nodes, context)) {
    if (group.length < fewest) continue;
    const results = resultsOf(group, context);
    if (results.length === 0) continue;
    const node = fusedNode(group, results);
    fused.set(node.name, node);
    for (const [i, name] of results.entries()) moved.set(name, outputRef(node.name, i));
    for (const { name } of group.slice(0, -1)) dropped.add(name);
  }
  const renamed = renamer(moved);
  return {
    ...recorded,
    // A group replaces its last member; users of earlier members may come before that.
    nodes: topologicallySorted(
      nodes.flatMap((node) => {
        if (dropped.has(node.name)) return [];
        const one = fused.get(node.name) ?? node;
        return [{ ...one, inputs: one.inputs.map(renamed) }];
      }),
    ),
    updates: updates.map(([variable, value]) => [variable, renamed(value)] as const),
  };
}

/** Fuses elementwise sums, products and ReLUs of one shape: one pass over memory. Each rounds, so the bits stay. */
export const fuseElementwise: Pass = (recorded) => fusedGroups(recorded, 2);

/** The same for single ops: ours support bfloat16 activations. */
export const replaceElementwise: Pass = (recorded) => fusedGroups(recorded, 1);
