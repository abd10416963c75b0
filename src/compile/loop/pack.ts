import { sizeOf } from "../../common/shapes.js";
import { grouped } from "../../common/text/grouped.js";
import { DT } from "../../runtime/native.js";
import { type GraphNode, intConstant, intsConstant, nodeOf } from "../graph/graph.js";
import { arithmeticOf, type Chain, chainsOf, type Operand } from "./chains.js";
import { type LoopParts, type LoopValue, withInputs } from "./parts.js";
import { reshaped } from "./shaping.js";

const floatType = { type: DT.float };
const intType = { type: DT.int32 };

/** Order of axes in which cuDNN wants filters: output channels first. And back. */
const PACKED_AXES = [3, 0, 1, 2];
const USUAL_AXES = [1, 2, 3, 0];

function transposed(name: string, ref: string, axes: readonly number[]): GraphNode[] {
  return [
    intsConstant(`${name}/axes`, axes),
    {
      name,
      op: "Transpose",
      inputs: [ref, `${name}/axes`],
      attributes: { T: floatType, Tperm: intType },
    },
  ];
}

/** Nodes that lay tensors end to end as one vector of that name. Filters lie as cuDNN wants them. */
function packing(name: string, refs: readonly string[], shapes: Shapes): GraphNode[] {
  const flat = refs.flatMap((ref, i) => {
    const shape = shapes[i] as readonly number[];
    const turned = shape.length === 4 ? transposed(`${name}/turn_${i}`, ref, PACKED_AXES) : [];
    return [
      ...turned,
      ...reshaped(`${name}/flat_${i}`, turned.at(-1)?.name ?? ref, [sizeOf(shape)]),
    ];
  });
  return [
    ...flat,
    intConstant(`${name}/axis`, 0),
    {
      name,
      op: "ConcatV2",
      inputs: [...refs.map((_, i) => `${name}/flat_${i}`), `${name}/axis`],
      attributes: { N: { int: refs.length }, T: floatType, Tidx: intType },
      shapes: [[totalOf(shapes)]],
    },
  ];
}

/** Nodes that take such a vector apart. @returns them, and references to the tensors */
function unpacking(
  name: string,
  ref: string,
  shapes: Shapes,
): { nodes: GraphNode[]; refs: string[] } {
  const split: GraphNode[] = [
    intsConstant(`${name}/sizes`, shapes.map(sizeOf)),
    intConstant(`${name}/axis`, 0),
    {
      name,
      op: "SplitV",
      inputs: [ref, `${name}/sizes`, `${name}/axis`],
      attributes: { num_split: { int: shapes.length }, T: floatType, Tlen: intType },
      shapes: shapes.map((shape) => [sizeOf(shape)]),
    },
  ];
  const pieces = shapes.map((shape, i) => {
    const [a, b, c, d] = shape as [number, number, number, number];
    if (shape.length !== 4) return reshaped(`${name}/piece_${i}`, `${name}:${i}`, shape);
    const stored = reshaped(`${name}/stored_${i}`, `${name}:${i}`, [d, a, b, c]);
    return [...stored, ...transposed(`${name}/piece_${i}`, `${name}/stored_${i}`, USUAL_AXES)];
  });
  return {
    nodes: [...split, ...pieces.flat()],
    refs: pieces.map((piece) => piece.at(-1)?.name as string),
  };
}

type Shapes = readonly (readonly number[])[];
const totalOf = (shapes: Shapes): number => shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

/** What takes the place of chains of the same arithmetic. */
interface Packed {
  readonly before: readonly GraphNode[];
  readonly values: readonly LoopValue[];
  /** To stand at a body's beginning: the variables, taken apart for whoever else reads them. */
  readonly opening: readonly GraphNode[];
  /** To stand at a body's end: the chains' arithmetic, once. */
  readonly closing: readonly GraphNode[];
  readonly after: readonly GraphNode[];
  /** Where a variable's value is to be had in a round, and at the end, by its name as a loop value. */
  readonly inBody: readonly (readonly [string, string])[];
  readonly atEnd: readonly (readonly [string, string])[];
}

function pack(chains: readonly Chain[], prefix: string): Packed {
  const [model] = chains as [Chain];
  const shapes = chains.map(({ shape }) => shape);
  const vectorOf = (variable: number): string => `${prefix}/vector_${variable}`;
  const inputOf = (input: number): string => `${prefix}/input_${input}`;
  const nodeOfChain = (node: number): string => `${prefix}/node_${node}`;
  const place = (operand: Operand): string => {
    if ("node" in operand) return nodeOfChain(operand.node);
    if ("variable" in operand) return vectorOf(operand.variable);
    if ("input" in operand) return inputOf(operand.input);
    return model.scalars.get(operand.scalar) as string;
  };
  const members = (variable: number): LoopValue[] =>
    chains.map(({ variables }) => variables[variable] as LoopValue);
  const inBody = model.variables.map((_, k) =>
    unpacking(`${prefix}/read_${k}`, vectorOf(k), shapes),
  );
  const atEnd = model.variables.map((_, k) =>
    unpacking(`${prefix}/last_${k}`, vectorOf(k), shapes),
  );
  const pairs = (refs: readonly { readonly refs: readonly string[] }[]) =>
    refs.flatMap(({ refs: pieces }, k) =>
      members(k).map(({ name }, i) => [name, pieces[i] as string] as const),
    );
  return {
    before: model.variables.flatMap((_, k) =>
      packing(
        `${prefix}/first_${k}`,
        members(k).map(({ initial }) => initial),
        shapes,
      ),
    ),
    values: model.variables.map((_, k) => ({
      name: vectorOf(k),
      type: DT.float,
      initial: `${prefix}/first_${k}`,
      next: nodeOfChain(model.results[k] as number),
    })),
    opening: inBody.flatMap(({ nodes }) => nodes),
    closing: [
      ...model.inputs.flatMap((_, j) =>
        packing(
          inputOf(j),
          chains.map(({ inputs }) => inputs[j] as string),
          shapes,
        ),
      ),
      ...model.nodes.map((node, i) => ({
        ...node,
        name: nodeOfChain(i),
        inputs: (model.operands[i] as readonly Operand[]).map(place),
        shapes: [[totalOf(shapes)]],
      })),
    ],
    after: atEnd.flatMap(({ nodes }) => nodes),
    inBody: pairs(inBody),
    atEnd: pairs(atEnd),
  };
}

/**
 * What is packed together: chains of the same arithmetic, small tensors apart from large ones. XLA reads a part of a
 * small vector where it is needed; of a large one it makes a copy first.
 */
const kindOf = (chain: Chain): string => `${chain.shape.length < 2} ${arithmeticOf(chain)}`;

/**
 * Updates of the same arithmetic as one: the parameters of a model lie end to end in one vector while the loop runs,
 * and so do their velocities, so that SGD is a handful of kernels instead of one for each parameter. Every element
 * still takes the same arithmetic. The vectors are made before the loop and taken apart after it.
 */
export function packUpdates(parts: LoopParts): LoopParts {
  const groups = [...grouped(chainsOf(parts), kindOf).values()].filter(
    (chains) => chains.length > 1,
  );
  const packed = groups.map((chains, i) => pack(chains, `packed_${i}`));
  const gone = new Set(groups.flat().flatMap(({ nodes }) => nodes.map(({ name }) => name)));
  const single = new Set(
    groups.flat().flatMap(({ variables }) => variables.map(({ name }) => name)),
  );
  const inBody = new Map(packed.flatMap((one) => one.inBody));
  const atEnd = new Map(packed.flatMap((one) => one.atEnd));
  const elsewhere = (ref: string): string => inBody.get(nodeOf(ref)) ?? ref;
  return {
    ...parts,
    before: [...parts.before, ...packed.flatMap((one) => one.before)],
    values: [
      ...parts.values
        .filter(({ name }) => !single.has(name))
        .map((value) =>
          value.next === undefined ? value : { ...value, next: elsewhere(value.next) },
        ),
      ...packed.flatMap((one) => one.values),
    ],
    body: [
      ...packed.flatMap((one) => one.opening),
      ...[
        ...parts.body.filter(({ name }) => !gone.has(name)),
        ...packed.flatMap((one) => one.closing),
      ].map((node) => withInputs(node, inBody)),
    ],
    after: [...parts.after, ...packed.flatMap((one) => one.after)],
    updates: parts.updates.map(([variable, ref]) => [variable, atEnd.get(ref) ?? ref] as const),
  };
}
