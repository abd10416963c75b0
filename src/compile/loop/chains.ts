import { grouped } from "../../common/text/grouped.js";
import { opNamed } from "../../ops/ops.js";
import {
  type GraphNode,
  isControl,
  isFloat,
  nodeOf,
  nodesByName,
  sameShape,
  shapeBehind,
  usersOf,
} from "../graph/graph.js";
import type { LoopParts, LoopValue } from "./parts.js";

/** An operand of a chain's node: another node of it, one of its variables, one of its inputs, or a scalar. */
export type Operand =
  | { readonly node: number }
  | { readonly variable: number }
  | { readonly input: number }
  | { readonly scalar: string };

/** Variables whose new values follow, element by element, from their old ones and from other tensors of their shape. */
export interface Chain {
  readonly shape: readonly number[];
  readonly variables: readonly LoopValue[];
  /** Which of the nodes is each variable's new value. */
  readonly results: readonly number[];
  /** Its arithmetic, in order. */
  readonly nodes: readonly GraphNode[];
  readonly operands: readonly (readonly Operand[])[];
  /** References of the tensors that come from elsewhere. */
  readonly inputs: readonly string[];
  /** References of its scalars, by what makes two of them the same. */
  readonly scalars: ReadonlyMap<string, string>;
}

/** What chains of the same arithmetic have in common: they can be computed as one, side by side. */
export const arithmeticOf = ({ nodes, operands, results }: Chain): string =>
  JSON.stringify([nodes.map(({ op }) => op), operands, results]);

/** What is known of a loop's body. */
interface Context {
  readonly order: ReadonlyMap<string, number>;
  readonly byName: ReadonlyMap<string, GraphNode>;
  readonly users: ReadonlyMap<string, readonly GraphNode[]>;
  /** Values of the loop, by name. */
  readonly values: ReadonlyMap<string, LoopValue>;
  /** Values by the nodes that are their next ones. */
  readonly updated: ReadonlyMap<string, readonly LoopValue[]>;
  shapeOf(ref: string): readonly number[] | undefined;
}

function contextOf({ body, values, reads, feeds }: LoopParts): Context {
  const byName = nodesByName(body);
  const shapes = new Map(feeds);
  for (const { name, initial } of values) {
    const variable = reads.get(initial);
    if (variable !== undefined) shapes.set(name, variable.shape);
  }
  return {
    order: new Map(body.map(({ name }, i) => [name, i])),
    byName,
    users: usersOf(body),
    values: new Map(values.map((value) => [value.name, value])),
    updated: grouped(
      values.filter(({ next }) => next !== undefined),
      ({ next }) => next as string,
    ),
    shapeOf: (ref) => shapes.get(nodeOf(ref)) ?? shapeBehind(byName, ref),
  };
}

/** Whether a node does the same to every element of a shape: its operands have it, or are scalars. */
function isElementwise(node: GraphNode, shape: readonly number[], { shapeOf }: Context): boolean {
  if (!opNamed(node.op)?.exact || !isFloat(node, "T") || node.inputs.some(isControl)) return false;
  return (
    sameShape(node.shapes?.[0], shape) &&
    node.inputs.every((ref) => shapeOf(ref)?.length === 0 || sameShape(shapeOf(ref), shape))
  );
}

/** The nodes that lead to a new value and to nothing else, in their order. */
function nodesBehind(last: GraphNode, shape: readonly number[], context: Context): GraphNode[] {
  const members = new Map<string, GraphNode>();
  const pending = [last];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const others = (context.users.get(node.name) ?? []).some(({ name }) => !members.has(name));
    if (members.has(node.name) || others || !isElementwise(node, shape, context)) continue;
    members.set(node.name, node);
    for (const ref of node.inputs) {
      const source = context.byName.get(nodeOf(ref));
      if (source !== undefined) pending.push(source);
    }
  }
  const place = ({ name }: GraphNode): number => context.order.get(name) as number;
  return [...members.values()].sort((a, b) => place(a) - place(b));
}

/** What makes two scalars the same: the bits of a constant, or where it comes from. */
function scalarKey(ref: string, { byName }: Context): string {
  const value = byName.get(nodeOf(ref))?.attributes.value;
  if (value === undefined || !("tensor" in value)) return ref;
  return `bits ${Buffer.from(value.tensor.bytes).toString("hex")}`;
}

/** The chain that ends in a variable's new value; undefined where that is no elementwise arithmetic. */
function chainOf(value: LoopValue, context: Context): Chain | undefined {
  const last = context.byName.get(value.next as string);
  const shape = context.shapeOf(value.name);
  if (last === undefined || shape === undefined) return undefined;
  const nodes = nodesBehind(last, shape, context);
  if (nodes.length === 0) return undefined;
  const places = new Map(nodes.map(({ name }, i) => [name, i]));
  const variables = nodes.flatMap(({ name }) => context.updated.get(name) ?? []);
  if (variables.some(({ name }) => !sameShape(context.shapeOf(name), shape))) return undefined;
  const results = variables.map(({ next }) => places.get(next as string) as number);
  const inputs: string[] = [];
  const scalars = new Map<string, string>();
  const operand = (ref: string): Operand => {
    const node = places.get(nodeOf(ref));
    if (node !== undefined) return { node };
    const variable = variables.findIndex(({ name }) => name === ref);
    if (variable >= 0) return { variable };
    if (context.shapeOf(ref)?.length === 0) {
      const scalar = scalarKey(ref, context);
      scalars.set(scalar, ref);
      return { scalar };
    }
    if (!inputs.includes(ref)) inputs.push(ref);
    return { input: inputs.indexOf(ref) };
  };
  const operands = nodes.map((node) => node.inputs.map(operand));
  return { shape, variables, results, nodes, operands, inputs, scalars };
}

/** The chains of a loop's body, the longest where one holds another; none shares a node with another. */
export function chainsOf(parts: LoopParts): Chain[] {
  const context = contextOf(parts);
  const chains = parts.values
    .filter(({ next }) => next !== undefined)
    .flatMap((value) => chainOf(value, context) ?? [])
    .sort((a, b) => b.nodes.length - a.nodes.length);
  const taken = new Set<string>();
  return chains.filter(({ nodes, variables }) => {
    const names = [...nodes, ...variables].map(({ name }) => name);
    if (names.some((name) => taken.has(name))) return false;
    for (const name of names) taken.add(name);
    return true;
  });
}
