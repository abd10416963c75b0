import { opNamed } from "../../ops/ops.js";
import { positionsOf } from "../../ops/signature.js";
import { DT } from "../../runtime/native.js";
import {
  attributeReader,
  bitcastNode,
  type GraphFunction,
  type GraphNode,
  graphNode,
  intConstant,
  intsConstant,
  isControl,
  nodeOf,
  outputOf,
} from "../graph/graph.js";
import { FEED_TYPES, TraceError } from "../record/trace.js";
import type { Entry, FeedSpec } from "../types.js";
import type { AheadResult, LoopParts, LoopValue } from "./parts.js";

export interface LoopSource {
  /** Prefix of the names of its functions and nodes; a word. */
  readonly prefix: string;
  readonly entry: Entry;
  readonly parts: LoopParts;
  /** Placeholder of each feed in the step. */
  readonly feeds: Readonly<Record<string, string>>;
  /** The static trip count; fed to each call where undefined. */
  readonly iterations?: number;
}

/** A loop-carried tensor, as an argument of the loop's functions. */
export type Argument = { readonly name: string; readonly type: number };

export const INDEX: Argument = { name: "index", type: DT.int32 };
/** The dynamic trip count. */
export const COUNT: Argument = { name: "count", type: DT.int32 };

/** All feeds are int32, floats by their bits: TensorFlow.js would copy floats to the GPU and back first. */
export const TRAVEL = DT.int32;

export const feedArgument = (name: string): string => `feed_${name}`;

export const feedArguments = ({ entry }: LoopSource): Argument[] =>
  Object.keys({ ...entry.perStep, ...entry.shared }).map((name) => ({ name: feedArgument(name), type: TRAVEL }));

/** Bitcast of a feed to its type; no node where none is needed. */
export function asFed(name: string, ref: string, { perStep, shared }: Entry): GraphNode[] {
  const type = FEED_TYPES[({ ...perStep, ...shared }[name] as FeedSpec).dtype];
  return type === TRAVEL ? [] : [bitcastNode(`bits_${name}`, ref, TRAVEL, type)];
}

export const countArguments = ({ iterations }: LoopSource): Argument[] => (iterations === undefined ? [COUNT] : []);

type With<What> = readonly (readonly [What, Argument])[];

export const valueArguments = ({ values }: LoopParts): With<LoopValue> =>
  values.map((value, i) => [value, { name: `value_${i}`, type: value.type }]);

/** Results of the computation ahead with their arguments. */
export const resultArguments = ({ ahead }: LoopParts): With<AheadResult> =>
  (ahead?.results ?? []).map((result, i) => [result, { name: `ahead_${i}`, type: DT.float }]);

/** A reshape, with the constant that holds the shape. */
export function reshaped(name: string, ref: string, shape: readonly number[], type: number = DT.float): GraphNode[] {
  return [
    intsConstant(`${name}/shape`, shape),
    graphNode(name, "Reshape", [ref, `${name}/shape`], { T: { type }, Tshape: { type: DT.int32 } }, [shape]),
  ];
}

/** A node's output inside a function: "node:output argument:index". @throws TraceError where its outputs are unknown */
function functionRef(node: GraphNode, index: number): string {
  const outputs = opNamed(node.op)?.signature.outputs;
  const output = outputs && positionsOf(outputs, attributeReader(node))?.[index];
  if (output !== undefined) return `${node.name}:${output.argument}:${output.index}`;
  throw new TraceError(`the outputs of ${node.op} are not known; add it to ops/ops.ts`, node.caller);
}

/** References inside a function: to its nodes, or to renamed tensors. @throws Error for a reference to nothing */
export function translator(nodes: readonly GraphNode[], known: ReadonlyMap<string, string>): (ref: string) => string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return (ref) => {
    if (isControl(ref)) return ref;
    const other = known.get(nodeOf(ref));
    if (other !== undefined) return other;
    const node = byName.get(nodeOf(ref));
    if (node === undefined) throw new Error(`The loop has no node for ${ref}.`);
    // Outputs of a While are a list of any types.
    if (node.op === "While") return `${node.name}:output:${outputOf(ref)}`;
    return functionRef(node, outputOf(ref));
  };
}

export const translated = (nodes: readonly GraphNode[], translate: (ref: string) => string): GraphNode[] =>
  nodes.map((node) => ({ ...node, inputs: node.inputs.map(translate) }));

const inputsOf = (arguments_: readonly Argument[]): GraphFunction["inputs"] =>
  arguments_.map(({ name, type }) => [name, type]);

const themselves = (arguments_: readonly Argument[]): Map<string, string> =>
  new Map(arguments_.map(({ name }) => [name, name]));

/** A loop's body: `nodes` refer to nodes or arguments, `next` has the arguments' new values (others stay). */
export function bodyFunction(
  prefix: string,
  arguments_: readonly Argument[],
  nodes: readonly GraphNode[],
  next: ReadonlyMap<string, string>,
): GraphFunction {
  const all = [intConstant("zero", 0), intConstant("one", 1), int32Node("next", "AddV2", INDEX.name, "one"), ...nodes];
  const translate = translator(all, themselves(arguments_));
  const becomes = new Map([...next, [INDEX.name, "next"]]);
  return {
    name: `${prefix}_body`,
    inputs: inputsOf(arguments_),
    outputs: arguments_.map(({ name, type }) => [`${name}_out`, type, translate(becomes.get(name) ?? name)]),
    nodes: translated(all, translate),
    attributes: {},
  };
}

/** A loop's condition: the index is below the static limit, or below COUNT, an iteration counting as `each`. */
export function conditionFunction(
  prefix: string,
  arguments_: readonly Argument[],
  limit: number | undefined,
  each = 1,
): GraphFunction {
  const known = limit === undefined ? [] : [intConstant("limit", limit)];
  const scaled =
    limit === undefined && each > 1 ? [intConstant("each", each), int32Node("done", "Mul", INDEX.name, "each")] : [];
  const nodes = [
    ...known,
    ...scaled,
    int32Node("less", "Less", scaled.at(-1)?.name ?? INDEX.name, known[0]?.name ?? COUNT.name),
  ];
  return {
    name: `${prefix}_condition`,
    inputs: inputsOf(arguments_),
    outputs: [["go", DT.bool, "less:z:0"]],
    nodes: translated(nodes, translator(nodes, themselves(arguments_))),
    attributes: {},
  };
}

/** The loop over the functions of a prefix. @param first initial values of arguments; others have their own names */
export const whileNode = (
  prefix: string,
  arguments_: readonly Argument[],
  first: ReadonlyMap<string, string>,
): GraphNode =>
  graphNode(
    "loop",
    "While",
    arguments_.map(({ name }) => first.get(name) ?? name),
    {
      T: { types: arguments_.map(({ type }) => type) },
      cond: { func: `${prefix}_condition` },
      body: { func: `${prefix}_body` },
      output_shapes: { shapes: [] },
      parallel_iterations: { int: 10 },
    },
  );

/** References to the arguments after the loop. */
export const afterLoop = (arguments_: readonly Argument[]): Map<string, string> =>
  new Map(arguments_.map(({ name }, i) => [name, i === 0 ? "loop" : `loop:${i}`]));

/** An int32 operation. */
export const int32Node = (name: string, op: string, a: string, b: string): GraphNode =>
  graphNode(name, op, [a, b], { T: { type: DT.int32 } });

/** In a body, the slice of a tensor at the iteration's index along its first axis. */
export const partNode = (name: string, from: string, type: number): GraphNode =>
  graphNode(name, "GatherV2", [from, INDEX.name, "zero"], {
    Tparams: { type },
    Tindices: { type: DT.int32 },
    Taxis: { type: DT.int32 },
    batch_dims: { int: 0 },
  });
