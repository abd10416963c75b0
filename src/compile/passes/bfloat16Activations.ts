import { sizeOf } from "../../common/shapes.js";
import { opNamed } from "../../ops/ops.js";
import { type Argument, positionsOf } from "../../ops/signature.js";
import { DT } from "../../runtime/native.js";
import {
  attributeReader,
  dataOf,
  type GraphNode,
  isControl,
  nodeOf,
  nodesByName,
  outputOf,
  outputRef,
  plainRef,
  renamer,
  sameShape,
  shapeBehind,
} from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";
import { castNode, createReductions } from "./bfloat16.js";
import { type Surroundings, surroundingsOf } from "./followers.js";

/** The reference that replaces a node's result; undefined where the node stays. */
type Replacement = (node: GraphNode, byName: ReadonlyMap<string, GraphNode>) => string | undefined;

/** A step without the nodes that have a replacement; one with control inputs stays. */
function withReplaced(step: RecordedStep, replacement: Replacement): RecordedStep {
  const byName = nodesByName(step.nodes);
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const ref = node.inputs.some(isControl) ? undefined : replacement(node, byName);
    if (ref === undefined) return [{ ...node, inputs: node.inputs.map(place) }];
    moved.set(node.name, place(ref));
    return [];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
}

/**
 * Without reshapes to the shape that is there already, as gradients of sums have them: what stands between two nodes keeps
 * them from being taken together.
 */
export const dropEqualReshapes: Pass = (step) =>
  withReplaced(step, (node, byName) => {
    const [ref = ""] = node.inputs;
    const isEqual = node.op === "Reshape" && sameShape(shapeBehind(byName, ref), node.shapes?.[0]);
    return isEqual ? ref : undefined;
  });

function isCast(node: GraphNode, from: number, to: number): boolean {
  const read = attributeReader(node);
  return node.op === "Cast" && read("SrcT") === from && read("DstT") === to;
}

/**
 * Without casts to bfloat16 of what was cast from it: the tensor itself is taken, as between a convolution of TensorFlow's and
 * one of ours.
 */
export const dropCastPairs: Pass = (step) =>
  withReplaced(step, (node, byName) => {
    const before = byName.get(nodeOf(node.inputs[0] ?? ""));
    const isBack = before !== undefined && isCast(node, DT.float, DT.bfloat16) && isCast(before, DT.bfloat16, DT.float);
    return isBack && !before.inputs.some(isControl) ? before.inputs[0] : undefined;
  });

/** Which of a node's inputs, or of its outputs, are in bfloat16 where some of its types are. */
function imagesAmong(given: readonly Argument[], node: GraphNode, types: readonly string[]): boolean[] {
  const read = attributeReader(node);
  const bfloat16 = (name: string) => (types.includes(name) ? DT.bfloat16 : read(name));
  return (positionsOf(given, bfloat16) ?? []).map(({ type }) => type === DT.bfloat16);
}

/** A node whose images may be in bfloat16. */
interface Candidate {
  readonly node: GraphNode;
  /** Types of its that are bfloat16 then. */
  readonly types: readonly string[];
  /** References to its images. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** How often it reads each of them. */
  readonly reads: number;
  /** Whether all that take its images have to be candidates. */
  readonly interiorOnly: boolean;
}

function candidateOf(node: GraphNode, byName: Surroundings["byName"]): Candidate | undefined {
  const op = opNamed(node.op);
  const refs = dataOf(node).map(plainRef);
  const own = refs.map((ref) => shapeBehind(byName, ref));
  if (op?.bfloat16 === undefined || node.shapes === undefined) return undefined;
  const types = op.bfloat16.types(own, node.shapes);
  const inputs = imagesAmong(op.signature.inputs, node, types);
  const isUnknown = own.some((shape, i) => shape === undefined && inputs[i]);
  if (types.length === 0 || isUnknown) return undefined;
  const outputs = imagesAmong(op.signature.outputs, node, types);
  return {
    node,
    types,
    inputs: refs.filter((_, i) => inputs[i]),
    outputs: outputs.flatMap((isImage, i) => (isImage ? [outputRef(node.name, i)] : [])),
    reads: op.bfloat16.reads,
    interiorOnly: op.bfloat16.interiorOnly ?? false,
  };
}

/** A tensor that a candidate makes or takes. */
interface Image {
  readonly size: number;
  /** Candidates that take it as an image, and whether anything else takes it. */
  readonly takers: readonly string[];
  readonly leaves: boolean;
}

/** The candidates of a step, and the images that they make and take, by their references. */
interface Choice {
  readonly candidates: ReadonlyMap<string, Candidate>;
  readonly images: ReadonlyMap<string, Image>;
}

/** References to the images that a candidate makes or takes. */
const around = ({ inputs, outputs }: Candidate): string[] => [...new Set([...inputs, ...outputs])];

/** What a step leaves to choose. */
function choiceIn(step: RecordedStep): Choice {
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
  for (const { node, outputs, interiorOnly } of all.toReversed()) {
    if (interiorOnly && outputs.some((ref) => imageOf(ref).leaves)) candidates.delete(node.name);
  }
  const refs = new Set([...candidates.values()].flatMap(around));
  return { candidates, images: new Map([...refs].map((ref) => [ref, imageOf(ref)])) };
}

/** Bytes that are read or written less of each number that is in bfloat16. */
const SAVED = 2;
/**
 * What a cast costs of each number, and besides, in the same unit: the time in which so many bytes less are read or written.
 * Measured with models that have both, convolutions and what has to be cast for (vgg8, MobileNet, ShuffleV2): a cast reads
 * and writes six bytes, but has its own loop besides, and what is saved is often in a cache.
 */
const CAST = 20;
const OP = 200_000;

/** Bytes that are read or written less where a candidate is chosen, casts left aside. */
function savedBy({ inputs, outputs, reads }: Candidate, { images }: Choice): number {
  const sizes = (refs: readonly string[]) => refs.reduce((sum, ref) => sum + (images.get(ref)?.size ?? 0), 0);
  return SAVED * (reads * sizes(inputs) + sizes(outputs));
}

/** What casts of an image cost, where those candidates are chosen: one to bfloat16, or one back, or none. */
function castsOf(ref: string, { candidates, images }: Choice, chosen: ReadonlySet<string>): number {
  const image = images.get(ref);
  if (image === undefined) return 0;
  const maker = nodeOf(ref);
  const isBfloat16 = chosen.has(maker) && (candidates.get(maker)?.outputs.includes(ref) ?? false);
  const bfloat16 = image.takers.some((name) => chosen.has(name));
  const wide = image.leaves || image.takers.some((name) => !chosen.has(name));
  return (isBfloat16 ? wide : bfloat16) ? CAST * image.size + OP : 0;
}

const castsAround = (candidate: Candidate, choice: Choice, chosen: ReadonlySet<string>): number =>
  around(candidate).reduce((sum, ref) => sum + castsOf(ref, choice, chosen), 0);

/** Leaves out one candidate after the other, always the one without which most is gained, as long as anything is. */
function withoutLosses(choice: Choice): Set<string> {
  const chosen = new Set(choice.candidates.keys());
  const gainWithout = (name: string): number => {
    const candidate = choice.candidates.get(name) as Candidate;
    const before = castsAround(candidate, choice, chosen);
    chosen.delete(name);
    const after = castsAround(candidate, choice, chosen);
    chosen.add(name);
    return before - after - savedBy(candidate, choice);
  };
  for (;;) {
    let best = 0;
    let worst: string | undefined;
    for (const name of [...chosen]) {
      const gain = gainWithout(name);
      if (gain <= best) continue;
      best = gain;
      worst = name;
    }
    if (worst === undefined) return chosen;
    chosen.delete(worst);
  }
}

/** Chosen candidates that hang together by images between them. */
function islandsOf({ candidates, images }: Choice, chosen: ReadonlySet<string>): Set<string>[] {
  const left = new Set(chosen);
  const islands: Set<string>[] = [];
  for (const first of chosen) {
    if (!left.has(first)) continue;
    const island = new Set<string>();
    const pending = [first];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (!left.delete(name)) continue;
      island.add(name);
      const { inputs, outputs } = candidates.get(name) as Candidate;
      pending.push(...inputs.map(nodeOf), ...outputs.flatMap((ref) => images.get(ref)?.takers ?? []));
    }
    islands.push(island);
  }
  return islands;
}

/** What a set of candidates saves, casts at its borders paid. */
function gainOf(island: ReadonlySet<string>, choice: Choice): number {
  const members = [...island].map((name) => choice.candidates.get(name) as Candidate);
  const saved = members.reduce((sum, each) => sum + savedBy(each, choice), 0);
  const refs = new Set(members.flatMap(around));
  return [...refs].reduce((sum, ref) => sum - castsOf(ref, choice, island), saved);
}

/**
 * The nodes whose images are to be in bfloat16, so that more memory traffic is saved by it than casts cost between them and
 * nodes whose images stay in float32. Begins with all that may, and leaves out what loses: single ones, then what hangs
 * together.
 * @returns the types of each that are to be bfloat16, by its name
 */
export function bfloat16Nodes(step: RecordedStep): Map<string, readonly string[]> {
  const choice = choiceIn(step);
  const islands = islandsOf(choice, withoutLosses(choice));
  const names = islands.filter((each) => gainOf(each, choice) > 0).flatMap((each) => [...each]);
  return new Map(names.map((name) => [name, choice.candidates.get(name)?.types ?? []]));
}

/** A node whose images are in bfloat16, under a name of its own, and which of its outputs are images. */
interface Lowered {
  readonly name: string;
  readonly images: readonly boolean[];
}

/**
 * Has images lie in bfloat16 from one of our ops to the next, where that saves memory traffic: what is computed of them is in
 * float32 all the same, and rounded once, where it is written. Weights, statistics, losses and the optimizer stay in float32.
 */
export const bfloat16Activations: Pass = (step) => {
  const chosen = bfloat16Nodes(step);
  const out: GraphNode[] = [];
  const lowered = new Map<string, Lowered>();
  const { reduced } = createReductions((cast) => out.push(cast), "narrow");
  const widened = new Set<string>();
  const isBfloat16 = (ref: string): boolean => lowered.get(nodeOf(ref))?.images[outputOf(ref)] ?? false;
  const inner = (ref: string): string => outputRef(lowered.get(nodeOf(ref))?.name ?? nodeOf(ref), outputOf(ref));
  /** A tensor in float32: an image of a lowered node is cast back the first time. */
  const wide = (ref: string): string => {
    if (!isBfloat16(ref)) return lowered.has(nodeOf(ref)) ? inner(ref) : ref;
    const output = outputOf(ref);
    const name = output === 0 ? nodeOf(ref) : `${nodeOf(ref)}/wide_${output}`;
    if (!widened.has(name)) {
      widened.add(name);
      out.push(castNode(name, inner(ref), DT.bfloat16, DT.float));
    }
    return name;
  };
  const bfloat16 = (ref: string): string => (isBfloat16(ref) ? inner(ref) : reduced(wide(ref)));
  const control = (ref: string): string => {
    const name = lowered.get(ref.slice(1))?.name;
    return name === undefined ? ref : `^${name}`;
  };
  for (const node of step.nodes) {
    const op = opNamed(node.op);
    const types = chosen.get(node.name) ?? [];
    const images = op === undefined ? [] : imagesAmong(op.signature.inputs, node, types);
    const inputs = node.inputs.map((ref, i) => {
      if (isControl(ref)) return control(ref);
      return images[i] ? bfloat16(plainRef(ref)) : wide(plainRef(ref));
    });
    if (op === undefined || types.length === 0) {
      out.push({ ...node, inputs });
      continue;
    }
    const name = `${node.name}/narrow`;
    lowered.set(node.name, { name, images: imagesAmong(op.signature.outputs, node, types) });
    out.push({
      ...node,
      name,
      inputs,
      attributes: {
        ...node.attributes,
        ...Object.fromEntries(types.map((type) => [type, { type: DT.bfloat16 }])),
      },
    });
  }
  const updates = step.updates.map(([variable, ref]) => [variable, wide(plainRef(ref))] as const);
  return { ...step, nodes: out, updates };
};
