import { sizeOf } from "../../common/shapes.js";
import { grouped } from "../../common/text.js";
import { opNamed } from "../../ops/ops.js";
import { DT } from "../../runtime/native.js";
import {
  dataOf,
  type GraphNode,
  intConstant,
  intsConstant,
  isControl,
  isFloat,
  nodeOf,
  nodesByName,
  sameShape,
  shapeBehind,
  usersOf,
} from "../graph/graph.js";
import { prepared } from "../passes/passes.js";
import { passRunner } from "../passes/passRunner.js";
import { recordOutputs } from "../record/forwardGraph.js";
import type { RecordedStep } from "../record/recordedStep.js";
import { type Handles, recordStep } from "../record/trace.js";
import type { Ahead, Entry, FeedSpec, PrecisionName } from "../types.js";
import { reshaped } from "./functions.js";
import {
  invariantsOf,
  type LoopParts,
  type LoopPass,
  type LoopValue,
  partsOf,
  type RecordedAhead,
  withInputs,
} from "./parts.js";

/** An operand in a chain: another node of it, a variable, an input, or a scalar. */
type Operand =
  | { readonly node: number }
  | { readonly variable: number }
  | { readonly input: number }
  | { readonly scalar: string };

/** Elementwise updates of variables of one shape, from their old values and other tensors of that shape. */
interface Chain {
  readonly shape: readonly number[];
  readonly variables: readonly LoopValue[];
  /** Index of the node of each variable's new value. */
  readonly results: readonly number[];
  readonly nodes: readonly GraphNode[];
  readonly operands: readonly (readonly Operand[])[];
  readonly inputs: readonly string[];
  /** References of its scalars, by scalarKey. */
  readonly scalars: ReadonlyMap<string, string>;
}

/** A key: chains with the same one can be packed. */
const arithmeticOf = ({ nodes, operands, results }: Chain): string =>
  JSON.stringify([nodes.map(({ op }) => op), operands, results]);

interface Context {
  readonly order: ReadonlyMap<string, number>;
  readonly byName: ReadonlyMap<string, GraphNode>;
  readonly users: ReadonlyMap<string, readonly GraphNode[]>;
  readonly values: ReadonlyMap<string, LoopValue>;
  /** Values by the nodes of their next ones. */
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

/** Whether all operands of a node have the shape or are scalars. */
function isElementwise(node: GraphNode, shape: readonly number[], { shapeOf }: Context): boolean {
  if (!opNamed(node.op)?.exact || !isFloat(node, "T") || node.inputs.some(isControl)) return false;
  return (
    sameShape(node.shapes?.[0], shape) &&
    node.inputs.every((ref) => shapeOf(ref)?.length === 0 || sameShape(shapeOf(ref), shape))
  );
}

/** The nodes used only by a new value, in their order. */
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

/** A scalar's identity: the bits of a constant, or its reference. */
function scalarKey(ref: string, { byName }: Context): string {
  const value = byName.get(nodeOf(ref))?.attributes.value;
  if (value === undefined || !("tensor" in value)) return ref;
  return `bits ${Buffer.from(value.tensor.bytes).toString("hex")}`;
}

/** The elementwise chain that ends in a variable's new value, if there is one. */
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

/** Disjoint chains of a loop's body, the longest first. */
function chainsOf(parts: LoopParts): Chain[] {
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

const floatType = { type: DT.float };
const intType = { type: DT.int32 };

/** cuDNN's filter layout, output channels first; and back. */
const PACKED_AXES = [3, 0, 1, 2];
const USUAL_AXES = [1, 2, 3, 0];

function transposed(name: string, ref: string, axes: readonly number[]): GraphNode[] {
  return [
    intsConstant(`${name}/axes`, axes),
    { name, op: "Transpose", inputs: [ref, `${name}/axes`], attributes: { T: floatType, Tperm: intType } },
  ];
}

/** Concatenates flattened tensors to one vector of that name, filters in cuDNN's layout. */
function packing(name: string, refs: readonly string[], shapes: Shapes): GraphNode[] {
  const flat = refs.flatMap((ref, i) => {
    const shape = shapes[i] as readonly number[];
    const inOrder = shape.length === 4 ? transposed(`${name}/turn_${i}`, ref, PACKED_AXES) : [];
    return [...inOrder, ...reshaped(`${name}/flat_${i}`, inOrder.at(-1)?.name ?? ref, [sizeOf(shape)])];
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

/** Splits such a vector. @returns the nodes, and references to the tensors */
function unpacking(name: string, ref: string, shapes: Shapes): { nodes: GraphNode[]; refs: string[] } {
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
  return { nodes: [...split, ...pieces.flat()], refs: pieces.map((piece) => piece.at(-1)?.name as string) };
}

type Shapes = readonly (readonly number[])[];
const totalOf = (shapes: Shapes): number => shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

interface Packed {
  readonly before: readonly GraphNode[];
  readonly values: readonly LoopValue[];
  /** At the start of the body: the split variables, for other readers. */
  readonly opening: readonly GraphNode[];
  /** At the end of the body: the packed arithmetic. */
  readonly closing: readonly GraphNode[];
  readonly after: readonly GraphNode[];
  /** The reference of each variable's value in the body, and after the loop, by its name as a loop value. */
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
  const members = (variable: number): LoopValue[] => chains.map(({ variables }) => variables[variable] as LoopValue);
  const inBody = model.variables.map((_, k) => unpacking(`${prefix}/read_${k}`, vectorOf(k), shapes));
  const atEnd = model.variables.map((_, k) => unpacking(`${prefix}/last_${k}`, vectorOf(k), shapes));
  const pairs = (refs: readonly { readonly refs: readonly string[] }[]) =>
    refs.flatMap(({ refs: pieces }, k) => members(k).map(({ name }, i) => [name, pieces[i] as string] as const));
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

/** Chains that are packed together: vectors apart from larger tensors, as XLA slices only small buffers in place. */
const kindOf = (chain: Chain): string => `${chain.shape.length < 2} ${arithmeticOf(chain)}`;

/** Packs parameters and momentum into a vector each: SGD is a few kernels, and each element's arithmetic stays. */
export function packUpdates(parts: LoopParts): LoopParts {
  const groups = [...grouped(chainsOf(parts), kindOf).values()].filter((chains) => chains.length > 1);
  const packed = groups.map((chains, i) => pack(chains, `packed_${i}`));
  const gone = new Set(groups.flat().flatMap(({ nodes }) => nodes.map(({ name }) => name)));
  const single = new Set(groups.flat().flatMap(({ variables }) => variables.map(({ name }) => name)));
  const inBody = new Map(packed.flatMap((one) => one.inBody));
  const atEnd = new Map(packed.flatMap((one) => one.atEnd));
  const elsewhere = (ref: string): string => inBody.get(nodeOf(ref)) ?? ref;
  return {
    ...parts,
    before: [...parts.before, ...packed.flatMap((one) => one.before)],
    values: [
      ...parts.values
        .filter(({ name }) => !single.has(name))
        .map((value) => (value.next === undefined ? value : { ...value, next: elsewhere(value.next) })),
      ...packed.flatMap((one) => one.values),
    ],
    body: [
      ...packed.flatMap((one) => one.opening),
      ...[...parts.body.filter(({ name }) => !gone.has(name)), ...packed.flatMap((one) => one.closing)].map((node) =>
        withInputs(node, inBody),
      ),
    ],
    after: [...parts.after, ...packed.flatMap((one) => one.after)],
    updates: parts.updates.map(([variable, ref]) => [variable, atEnd.get(ref) ?? ref] as const),
  };
}

const WIDTHS: ReadonlyMap<number, number> = new Map([
  [DT.float, 4],
  [DT.bfloat16, 2],
  [DT.half, 2],
  [DT.int32, 4],
  [DT.uint8, 1],
]);
const widthOf = (type: number): number => WIDTHS.get(type) ?? Number.POSITIVE_INFINITY;

function resultType({ attributes }: GraphNode): number {
  const type = attributes.DstT ?? attributes.T;
  return type !== undefined && "type" in type ? type.type : -1;
}

/**
 * Loop-invariant code motion, also out of the computation ahead: a frozen weight's cast runs once per call. Only
 * results no larger than their operand move: bytes of images do not become floats for a whole call.
 */
export function hoistInvariants(parts: LoopParts): LoopParts {
  const invariant = invariantsOf(parts);
  const repeated = [...(parts.ahead?.nodes ?? []), ...parts.body];
  const constants = new Map(repeated.filter(({ op }) => op === "Const").map((node) => [node.name, node]));
  const before = new Map<string, GraphNode>();
  const values = new Map<string, LoopValue>();
  const outside = (name: string): string => `${name}/before`;
  for (const node of repeated) {
    const [first = "", ...rest] = dataOf(node).map(nodeOf);
    const source = invariant.get(first);
    const type = resultType(node);
    if (source === undefined || !opNamed(node.op)?.rearranges || node.inputs.some(isControl)) continue;
    if (!rest.every((name) => constants.has(name)) || widthOf(type) > widthOf(source.type)) continue;
    for (const name of rest) {
      before.set(name, { ...(constants.get(name) as GraphNode), name: outside(name) });
    }
    const inputs = [source.initial, ...rest.map(outside)];
    before.set(node.name, { ...node, name: outside(node.name), inputs });
    const value: LoopValue = { name: node.name, type, initial: outside(node.name) };
    values.set(node.name, value);
    invariant.set(node.name, value);
  }
  return withoutUnused({
    ...parts,
    before: [...parts.before, ...before.values()],
    values: [...parts.values, ...values.values()],
    ...(parts.ahead !== undefined && {
      ahead: { ...parts.ahead, nodes: parts.ahead.nodes.filter(({ name }) => !values.has(name)) },
    }),
    body: parts.body.filter(({ name }) => !values.has(name)),
  });
}

/** Dead-code elimination of unused values and of the nodes only they needed. */
function withoutUnused(parts: LoopParts): LoopParts {
  const read = new Set(
    [
      ...[...(parts.ahead?.nodes ?? []), ...parts.body, ...parts.after].flatMap(({ inputs }) => inputs),
      ...parts.updates.map(([, ref]) => ref),
      ...parts.values.flatMap(({ next }) => next ?? []),
    ].map(nodeOf),
  );
  const values = parts.values.filter(({ name, next }) => next !== undefined || read.has(name));
  const needed = new Set(values.map(({ initial }) => nodeOf(initial)));
  const before: GraphNode[] = [];
  for (const node of parts.before.toReversed()) {
    if (!needed.has(node.name)) continue;
    for (const ref of node.inputs) needed.add(nodeOf(ref));
    before.push(node);
  }
  return { ...parts, values, before: before.reverse() };
}

const LOOP_PASSES: readonly LoopPass[] = [packUpdates, hoistInvariants];

/** Observes all loop passes, for tests. */
export const { observe: observeLoopPasses, run: runLoopPasses } = passRunner<LoopParts>();

/** An entry's step as the parts of a loop, and the placeholder of each of its feeds. */
export type RecordedLoop = { readonly parts: LoopParts; readonly feeds: Readonly<Record<string, string>> };

type Before = { readonly step: RecordedStep; readonly shapes: ReadonlyMap<string, readonly number[]> };

function recordAhead(
  prefix: string,
  ahead: Ahead,
  { perStep }: Entry,
  handles: Handles,
  precision: PrecisionName,
): Before {
  const specs = ahead.takes.map((name): [string, FeedSpec] => {
    const { shape, dtype } = perStep[name] as FeedSpec;
    const [first = 1, ...rest] = shape;
    return [name, { shape: [ahead.steps * first, ...rest], dtype }];
  });
  const { step, shapes } = recordOutputs(`${prefix}/ahead`, Object.fromEntries(specs), ahead.compute, handles);
  const parts = Array.from(shapes, ([name, [first = 1, ...rest]]) => [name, [first / ahead.steps, ...rest]] as const);
  return { step: prepared(step, "xla", precision), shapes: new Map(parts) };
}

/** The results that the step uses. @throws Error where the step changes what they depend on */
function aheadParts(steps: number, before: Before, step: RecordedStep): RecordedAhead {
  const changed = new Set(step.updates.map(([variable]) => variable));
  const moving = [...before.step.reads.keys()].find((variable) => changed.has(variable));
  if (moving !== undefined) {
    throw new Error(`The computation ahead reads ${moving.name}, which steps change.`);
  }
  const used = new Set(step.nodes.flatMap(({ inputs }) => inputs.map(nodeOf)));
  const results = Array.from(before.shapes, ([name, shape], i) => ({
    name: step.feeds[name] as string,
    shape,
    ref: before.step.updates[i]?.[1] as string,
  }));
  return { iterations: steps, step: before.step, results: results.filter(({ name }) => used.has(name)) };
}

/**
 * Records an entry as a loop and runs the passes.
 * @throws TraceError as recordStep does; RangeError where stepsPerCall is no multiple of the group size
 */
export function recordLoop(name: string, entry: Entry, handles: Handles, precision: PrecisionName): RecordedLoop {
  const { ahead, stepsPerCall } = entry;
  if (ahead !== undefined && stepsPerCall % ahead.steps !== 0) {
    throw new RangeError(`${name}: ${stepsPerCall} steps are not a multiple of ${ahead.steps}.`);
  }
  const before = ahead && recordAhead(name, ahead, entry, handles, precision);
  const given = Array.from(before?.shapes ?? [], ([result, shape]) => [result, { shape, dtype: "float32" }] as const);
  const perStep = { ...entry.perStep, ...Object.fromEntries(given) };
  const step = prepared(recordStep(name, { ...entry, perStep }, handles), "xla", precision);
  const grouped = ahead && before && aheadParts(ahead.steps, before, step);
  return { parts: runLoopPasses(partsOf(step, name, grouped), LOOP_PASSES), feeds: step.feeds };
}
