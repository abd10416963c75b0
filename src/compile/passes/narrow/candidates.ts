import { sizeOf } from "../../../common/shapes.js";
import { opNamed } from "../../../ops/ops.js";
import { type Argument, positionsOf } from "../../../ops/signature.js";
import { DT } from "../../../runtime/native.js";
import {
  attributeReader,
  dataOf,
  type GraphNode,
  nodeOf,
  outputRef,
  plainRef,
  shapeBehind,
} from "../../graph/graph.js";
import type { RecordedStep } from "../../record/recordedStep.js";
import { type Surroundings, surroundingsOf } from "../followers.js";

/** Which of a node's inputs, or of its outputs, are in bfloat16 where some of its types are. */
export function imagesAmong(
  given: readonly Argument[],
  node: GraphNode,
  types: readonly string[],
): boolean[] {
  const read = attributeReader(node);
  const narrow = (name: string) => (types.includes(name) ? DT.bfloat16 : read(name));
  return (positionsOf(given, narrow) ?? []).map(({ type }) => type === DT.bfloat16);
}

/** A node whose images may be in bfloat16. */
export interface Candidate {
  readonly node: GraphNode;
  /** Types of its that are bfloat16 then. */
  readonly types: readonly string[];
  /** References to its images. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** How often it reads each of them. */
  readonly reads: number;
  /** Whether all that take its images have to be candidates. */
  readonly between: boolean;
}

function candidateOf(node: GraphNode, byName: Surroundings["byName"]): Candidate | undefined {
  const op = opNamed(node.op);
  const refs = dataOf(node).map(plainRef);
  const own = refs.map((ref) => shapeBehind(byName, ref));
  if (op?.narrow === undefined || node.shapes === undefined) return undefined;
  const types = op.narrow.types(own, node.shapes);
  const inputs = imagesAmong(op.signature.inputs, node, types);
  const isUnknown = own.some((shape, i) => shape === undefined && inputs[i]);
  if (types.length === 0 || isUnknown) return undefined;
  const outputs = imagesAmong(op.signature.outputs, node, types);
  return {
    node,
    types,
    inputs: refs.filter((_, i) => inputs[i]),
    outputs: outputs.flatMap((isImage, i) => (isImage ? [outputRef(node.name, i)] : [])),
    reads: op.narrow.reads,
    between: op.narrow.between ?? false,
  };
}

/** A tensor that a candidate makes or takes. */
export interface Image {
  readonly size: number;
  /** Candidates that take it as an image, and whether anything else takes it. */
  readonly takers: readonly string[];
  readonly leaves: boolean;
}

/** The candidates of a step, and the images that they make and take, by their references. */
export interface Choice {
  readonly candidates: ReadonlyMap<string, Candidate>;
  readonly images: ReadonlyMap<string, Image>;
}

/** References to the images that a candidate makes or takes. */
export const around = ({ inputs, outputs }: Candidate): string[] => [
  ...new Set([...inputs, ...outputs]),
];

/** What a step leaves to choose. */
export function choiceIn(step: RecordedStep): Choice {
  const { users, byName, kept } = surroundingsOf(step);
  const all = step.nodes.flatMap((node) => candidateOf(node, byName) ?? []);
  const candidates = new Map(all.map((candidate) => [candidate.node.name, candidate]));
  const imageOf = (ref: string): Image => {
    const takes = (user: GraphNode) => dataOf(user).some((taken) => plainRef(taken) === ref);
    const names = (users.get(nodeOf(ref)) ?? []).filter(takes).map(({ name }) => name);
    const takers = names.filter((name) => candidates.get(name)?.inputs.includes(ref));
    const leaves = takers.length < names.length || kept.has(ref);
    return { size: sizeOf(shapeBehind(byName, ref) ?? []), takers, leaves };
  };
  // From the last to the first: what takes an image comes after what makes it.
  for (const { node, outputs, between } of all.toReversed()) {
    if (between && outputs.some((ref) => imageOf(ref).leaves)) candidates.delete(node.name);
  }
  const refs = new Set([...candidates.values()].flatMap(around));
  return { candidates, images: new Map([...refs].map((ref) => [ref, imageOf(ref)])) };
}
