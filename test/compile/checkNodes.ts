import { sizeOf } from "#pefd/common/shapes.js";
import {
  attributeReader,
  dataOf,
  type GraphNode,
  type GraphTensor,
  isControl,
  nodeBehind,
  outputRef,
  plainRef,
} from "#pefd/compile/graph/graph.js";
import { type Op, opNamed } from "#pefd/ops/ops.js";
import type { Shape } from "#pefd/ops/shapes.js";
import { type Position, positionsOf } from "#pefd/ops/signature.js";
import { DT } from "#pefd/runtime/native.js";

/** A tensor of a graph, as far as it is known. */
export interface Known {
  readonly type?: number | undefined;
  readonly shape?: Shape | undefined;
  /** Values of a constant of int32. */
  readonly values?: readonly number[] | undefined;
}

/** Tensors by their references, without ":0". */
export type Tensors = Map<string, Known>;

/** Problems of a list of nodes, one sentence each. */
export type Problems = string[];

/** Bytes of an element. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [DT.float, 4],
  [DT.int32, 4],
  [DT.bool, 1],
  [DT.uint8, 1],
  [DT.int64, 8],
]);

const text = (shape: Shape): string => `[${shape.join(", ")}]`;

const differ = (a: number | undefined, b: number | undefined): boolean => a !== undefined && b !== undefined && a !== b;

/** False where a shape is unknown. */
export const shapesDiffer = (a: Shape | undefined, b: Shape | undefined): boolean =>
  a !== undefined && b !== undefined && a.join() !== b.join();

/** A constant's bytes and its attributes must agree. */
function problemsOfConstant({ dtype, shape, bytes }: GraphTensor, type: unknown): Problems {
  const width = WIDTHS.get(dtype);
  return [
    ...(dtype === type ? [] : [`its value has type ${dtype}, its attribute ${type}`]),
    ...(width === undefined || bytes.length === width * sizeOf(shape)
      ? []
      : [`its value has ${bytes.length} bytes for ${text(shape)}`]),
  ];
}

function problemsOfInputs(op: Op, node: GraphNode, given: readonly (Known | undefined)[]) {
  const expected = positionsOf(op.signature.inputs, attributeReader(node));
  if (expected === undefined) return ["its attributes do not say how many inputs it has"];
  if (expected.length !== given.length) {
    return [`it has ${given.length} inputs instead of ${expected.length}`];
  }
  return expected.flatMap(({ argument, type }, i) =>
    differ(type, given[i]?.type) ? [`its input ${argument} has type ${given[i]?.type} instead of ${type}`] : [],
  );
}

/** Inferred shapes of a node's outputs, where the shapes of all inputs are known. */
function shapesByRule(op: Op, node: GraphNode, inputs: readonly (Known | undefined)[]) {
  const shapes = inputs.map((known) => known?.shape);
  if (shapes.includes(undefined)) return undefined;
  return op.shapes?.({
    shapes: shapes as Shape[],
    constant: (index) => inputs[index]?.values,
    attribute: attributeReader(node),
  });
}

function problemsOfShapes(node: GraphNode, outputs: readonly Position[], rule: readonly Shape[]) {
  const stated = node.shapes ?? [];
  if (stated.length > outputs.length) {
    return [`it states ${stated.length} shapes for ${outputs.length} outputs`];
  }
  return stated.flatMap((shape, i) =>
    shapesDiffer(shape, rule[i])
      ? [`its output ${i} is stated as ${text(shape)} and is ${text(rule[i] as Shape)}`]
      : [],
  );
}

/** Values of an int32 Const node. */
function integersOf(node: GraphNode): number[] | undefined {
  const value = attributeReader(node)("value") as GraphTensor | undefined;
  if (node.op !== "Const" || value?.dtype !== DT.int32) return undefined;
  return Array.from(new Int32Array(value.bytes.slice().buffer));
}

/** Checks one node against its op's row, and adds its outputs. */
function checkNode(node: GraphNode, tensors: Tensors): Problems {
  const inputs = dataOf(node).map((ref) => tensors.get(plainRef(ref)));
  const op = opNamed(node.op);
  const read = attributeReader(node);
  const add = (outputs: readonly Known[]) => {
    for (const [i, known] of outputs.entries()) {
      tensors.set(outputRef(node.name, i), known);
    }
  };
  if (op === undefined) {
    add(node.shapes?.map((shape) => ({ shape })) ?? [{}]);
    return [];
  }
  const outputs = positionsOf(op.signature.outputs, read);
  if (outputs === undefined) return ["its attributes do not say how many outputs it has"];
  const problems = problemsOfInputs(op, node, inputs);
  const rule = problems.length > 0 ? [] : (shapesByRule(op, node, inputs) ?? []);
  const values = integersOf(node);
  add(outputs.map(({ type }, i) => ({ type, shape: rule[i] ?? node.shapes?.[i], values })));
  return [
    ...problems,
    ...problemsOfShapes(node, outputs, rule),
    ...(node.op === "Const" ? problemsOfConstant(read("value") as GraphTensor, read("dtype")) : []),
  ];
}

/**
 * Checks nodes in order: names are unique, inputs come before their users, and inputs, types and shapes match the op table.
 * @param tensors tensors from before; outputs are added
 */
export function checkNodes(nodes: readonly GraphNode[], tensors: Tensors): Problems {
  const names = new Set(tensors.keys());
  return nodes.flatMap((node) => {
    const missing = node.inputs.filter((ref) =>
      isControl(ref) ? !names.has(nodeBehind(ref)) : !tensors.has(plainRef(ref)),
    );
    const problems = [
      ...(names.has(node.name) ? ["its name is taken"] : []),
      ...missing.map((ref) => `${ref} is missing before it`),
      ...checkNode(node, tensors),
    ];
    names.add(node.name);
    return problems.map((problem) => `${node.name} (${node.op}): ${problem}`);
  });
}
