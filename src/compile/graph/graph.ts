import { DT } from "../../runtime/native.js";

/** A constant of a graph: element type of TensorFlow's C API, shape, and bytes in C order. */
export type GraphTensor = { readonly dtype: number; readonly shape: readonly number[]; readonly bytes: Uint8Array };

export type AttributeValue =
  | { readonly string: string | Uint8Array }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly type: number }
  | { readonly shape: readonly number[] }
  | { readonly tensor: GraphTensor }
  | { readonly func: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly bools: readonly boolean[] }
  | { readonly types: readonly number[] }
  | { readonly shapes: readonly (readonly number[])[] };

export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** "node" or "node:1" for data, "^node" for control. */
  readonly inputs: readonly string[];
  readonly attributes: Attributes;
  readonly device?: string;
  readonly shapes?: readonly (readonly number[])[];
  /** The line of the step that called this op, for messages. */
  readonly caller?: () => string;
}

/** A function of a graph's library; in it, outputs are named "node:output:index". */
export interface GraphFunction {
  readonly name: string;
  readonly inputs: readonly (readonly [name: string, type: number])[];
  readonly outputs: readonly (readonly [name: string, type: number, ref: string])[];
  readonly nodes: readonly GraphNode[];
  readonly attributes: Attributes;
}

export interface GraphPort {
  /** "node:0" */
  readonly tensor: string;
  readonly dtype: number;
  readonly shape: readonly number[];
}

export interface Signature {
  readonly inputs: Readonly<Record<string, GraphPort>>;
  readonly outputs: Readonly<Record<string, GraphPort>>;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly functions: readonly GraphFunction[];
  readonly signatures: Readonly<Record<string, Signature>>;
}

/** Reads the attributes of a node, without their kinds. */
export const attributeReader =
  ({ attributes }: GraphNode) =>
  (name: string): unknown =>
    Object.values(attributes[name] ?? {})[0];

/** Name of the node behind a data reference ("a:1" -> "a"). */
export const nodeOf = (ref: string): string => {
  const colon = ref.indexOf(":");
  return colon < 0 ? ref : ref.slice(0, colon);
};

/** The data reference to an output of a node ("a", 1 -> "a:1"). */
export const outputRef = (name: string, output: number): string => (output === 0 ? name : `${name}:${output}`);

/** Position of the output behind a data reference ("a:1" -> 1). */
export const outputOf = (ref: string): number => {
  const colon = ref.indexOf(":");
  return colon < 0 ? 0 : Number(ref.slice(colon + 1));
};

/** A data reference without ":0". */
export const plainRef = (ref: string): string => ref.replace(/:0$/, "");

/** Whether both shapes are known, and equal. */
export const sameShape = (a: readonly number[] | undefined, b: readonly number[] | undefined): boolean =>
  a !== undefined && b !== undefined && a.join() === b.join();

export const isControl = (ref: string): boolean => ref.startsWith("^");

/** A node's data inputs. */
export const dataOf = (node: GraphNode): string[] => node.inputs.filter((ref) => !isControl(ref));

/** Whether an attribute of a node is float32. */
export const isFloat = (node: GraphNode, attribute: "T" | "dtype" | "DstT"): boolean =>
  attributeReader(node)(attribute) === DT.float;

/** Name of the node behind any reference, for data or for control. */
export const nodeBehind = (ref: string): string => nodeOf(isControl(ref) ? ref.slice(1) : ref);

/** Users of each node, for data or control, by its name. */
export function usersOf(nodes: readonly GraphNode[]): Map<string, GraphNode[]> {
  const users = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of node.inputs.map(nodeBehind)) {
      const known = users.get(name);
      if (known === undefined) users.set(name, [node]);
      else known.push(node);
    }
  }
  return users;
}

/** Renames references. @param moved new references of replaced outputs */
export const renamer =
  (moved: ReadonlyMap<string, string>) =>
  (ref: string): string =>
    isControl(ref) ? `^${nodeOf(moved.get(nodeBehind(ref)) ?? nodeBehind(ref))}` : (moved.get(plainRef(ref)) ?? ref);

/** Nodes by their names. */
export const nodesByName = (nodes: readonly GraphNode[]): Map<string, GraphNode> =>
  new Map(nodes.map((node) => [node.name, node]));

/** The shape of the tensor behind a data reference, where it is known. */
export const shapeBehind = (byName: ReadonlyMap<string, GraphNode>, ref: string): readonly number[] | undefined =>
  byName.get(nodeOf(ref))?.shapes?.[outputOf(ref)];

/** A Const node. */
export function constNode(name: string, tensor: GraphTensor): GraphNode {
  return {
    name,
    op: "Const",
    inputs: [],
    attributes: { dtype: { type: tensor.dtype }, value: { tensor } },
    shapes: [tensor.shape],
  };
}

/** An int32 constant. @param shape a list by default */
export const intsConstant = (
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): GraphNode => constNode(name, { dtype: DT.int32, shape, bytes: new Uint8Array(Int32Array.from(values).buffer) });

/** An int32 scalar constant. */
export const intConstant = (name: string, value: number): GraphNode => intsConstant(name, [value], []);

/** A float32 scalar constant. */
export const floatConstant = (name: string, value: number): GraphNode =>
  constNode(name, { dtype: DT.float, shape: [], bytes: new Uint8Array(Float32Array.of(value).buffer) });

/** A Placeholder node. */
export const placeholder = (name: string, dtype: number, shape: readonly number[]): GraphNode => ({
  name,
  op: "Placeholder",
  inputs: [],
  attributes: { dtype: { type: dtype }, shape: { shape } },
  shapes: [shape],
});

/** A tensor's bits as another type of the same size. */
export const bitcastNode = (name: string, input: string, from: number, to: number): GraphNode => ({
  name,
  op: "Bitcast",
  inputs: [input],
  attributes: { T: { type: from }, type: { type: to } },
});

/** Stable topological sort. @throws Error for a cycle (a defect of a pass) */
export function topologicallySorted(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  const state = new Map<string, "waiting" | "placed">();
  const ordered: GraphNode[] = [];
  for (const start of nodes) {
    const pending = [start];
    for (let node = pending.at(-1); node !== undefined; node = pending.at(-1)) {
      const { name } = node;
      const missing = node.inputs
        .map((ref) => byName.get(nodeBehind(ref)))
        .filter((input) => input !== undefined && state.get(input.name) !== "placed");
      if (state.get(name) === "placed" || missing.length === 0) {
        pending.pop();
        if (state.get(name) !== "placed") ordered.push(node);
        state.set(name, "placed");
        continue;
      }
      if (state.get(name) === "waiting" && missing.some((input) => state.get(input?.name as string) === "waiting")) {
        throw new Error(`${name} is in a cycle.`);
      }
      state.set(name, "waiting");
      pending.push(...(missing as GraphNode[]).reverse());
    }
  }
  return ordered;
}
