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
import { type Surroundings, surroundingsOf } from "./followers.js";
import { castNode, createReductions } from "./mixedPrecision.js";

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

/** Removes reshapes to the same shape, which gradients of sums have and which prevent fusion. */
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

/** Removes casts from bfloat16 and back, as between one of TensorFlow's convolutions and one of ours. */
export const dropCastPairs: Pass = (step) =>
  withReplaced(step, (node, byName) => {
    const before = byName.get(nodeOf(node.inputs[0] ?? ""));
    const isBack = before !== undefined && isCast(node, DT.float, DT.bfloat16) && isCast(before, DT.bfloat16, DT.float);
    return isBack && !before.inputs.some(isControl) ? before.inputs[0] : undefined;
  });

/** Which inputs or outputs of a node are bfloat16 if these types are. */
function activationsAmong(given: readonly Argument[], node: GraphNode, types: readonly string[]): boolean[] {
  const read = attributeReader(node);
  const bfloat16 = (name: string) => (types.includes(name) ? DT.bfloat16 : read(name));
  return (positionsOf(given, bfloat16) ?? []).map(({ type }) => type === DT.bfloat16);
}

interface Candidate {
  readonly node: GraphNode;
  /** Its type attributes that become bfloat16. */
  readonly types: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Times it reads each of them. */
  readonly reads: number;
  /** Whether all users of its activations must be candidates. */
  readonly interiorOnly: boolean;
}

function candidateOf(node: GraphNode, byName: Surroundings["byName"]): Candidate | undefined {
  const op = opNamed(node.op);
  const refs = dataOf(node).map(plainRef);
  const own = refs.map((ref) => shapeBehind(byName, ref));
  if (op?.bfloat16 === undefined || node.shapes === undefined) return undefined;
  const types = op.bfloat16.types(own, node.shapes);
  const inputs = activationsAmong(op.signature.inputs, node, types);
  const isUnknown = own.some((shape, i) => shape === undefined && inputs[i]);
  if (types.length === 0 || isUnknown) return undefined;
  const outputs = activationsAmong(op.signature.outputs, node, types);
  return {
    node,
    types,
    inputs: refs.filter((_, i) => inputs[i]),
    outputs: outputs.flatMap((isActivation, i) => (isActivation ? [outputRef(node.name, i)] : [])),
    reads: op.bfloat16.reads,
    interiorOnly: op.bfloat16.interiorOnly ?? false,
  };
}

interface Activation {
  readonly size: number;
  /** Candidates that take it as an activation, and whether it has other users. */
  readonly takers: readonly string[];
  readonly leaves: boolean;
}

interface Choice {
  readonly candidates: ReadonlyMap<string, Candidate>;
  readonly activations: ReadonlyMap<string, Activation>;
}

const around = ({ inputs, outputs }: Candidate): string[] => [...new Set([...inputs, ...outputs])];

function choiceIn(step: RecordedStep): Choice {
  const { users, byName, kept } = surroundingsOf(step);
  const all = step.nodes.flatMap((node) => candidateOf(node, byName) ?? []);
  const candidates = new Map(all.map((candidate) => [candidate.node.name, candidate]));
  const activationOf = (ref: string): Activation => {
    const takes = (user: GraphNode) => dataOf(user).some((taken) => plainRef(taken) === ref);
    const names = (users.get(nodeOf(ref)) ?? []).filter(takes).map(({ name }) => name);
    const takers = names.filter((name) => candidates.get(name)?.inputs.includes(ref));
    const leaves = takers.length < names.length || kept.has(ref);
    return { size: sizeOf(shapeBehind(byName, ref) ?? []), takers, leaves };
  };
  // In reverse order: users come after producers.
  for (const { node, outputs, interiorOnly } of all.toReversed()) {
    if (interiorOnly && outputs.some((ref) => activationOf(ref).leaves)) candidates.delete(node.name);
  }
  const refs = new Set([...candidates.values()].flatMap(around));
  return { candidates, activations: new Map([...refs].map((ref) => [ref, activationOf(ref)])) };
}

/** Bytes saved per element in bfloat16. */
const SAVED = 2;
/**
 * Cost of a cast per element, and per op, in bytes of memory traffic, measured with vgg8, MobileNet and ShuffleV2: a
 * cast moves only six bytes, but has a loop of its own, and saved traffic is often in a cache.
 */
const CAST = 20;
const OP = 200_000;

/** Bytes saved by a candidate, without casts. */
function savedBy({ inputs, outputs, reads }: Candidate, { activations }: Choice): number {
  const sizes = (refs: readonly string[]) => refs.reduce((sum, ref) => sum + (activations.get(ref)?.size ?? 0), 0);
  return SAVED * (reads * sizes(inputs) + sizes(outputs));
}

/** Cost of an activation's casts with those candidates: one to bfloat16, one back, or none. */
function castsOf(ref: string, { candidates, activations }: Choice, chosen: ReadonlySet<string>): number {
  const activation = activations.get(ref);
  if (activation === undefined) return 0;
  const maker = nodeOf(ref);
  const isBfloat16 = chosen.has(maker) && (candidates.get(maker)?.outputs.includes(ref) ?? false);
  const bfloat16 = activation.takers.some((name) => chosen.has(name));
  const wide = activation.leaves || activation.takers.some((name) => !chosen.has(name));
  return (isBfloat16 ? wide : bfloat16) ? CAST * activation.size + OP : 0;
}

const castsAround = (candidate: Candidate, choice: Choice, chosen: ReadonlySet<string>): number =>
  around(candidate).reduce((sum, ref) => sum + castsOf(ref, choice, chosen), 0);

/** Greedy: drops the candidate whose removal gains most, while any does. */
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

function componentsOf({ candidates, activations }: Choice, chosen: ReadonlySet<string>): Set<string>[] {
  const left = new Set(chosen);
  const components: Set<string>[] = [];
  for (const first of chosen) {
    if (!left.has(first)) continue;
    const component = new Set<string>();
    const pending = [first];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (!left.delete(name)) continue;
      component.add(name);
      const { inputs, outputs } = candidates.get(name) as Candidate;
      pending.push(...inputs.map(nodeOf), ...outputs.flatMap((ref) => activations.get(ref)?.takers ?? []));
    }
    components.push(component);
  }
  return components;
}

/** Net gain of a component, casts at its borders included. */
function gainOf(component: ReadonlySet<string>, choice: Choice): number {
  const members = [...component].map((name) => choice.candidates.get(name) as Candidate);
  const saved = members.reduce((sum, each) => sum + savedBy(each, choice), 0);
  const refs = new Set(members.flatMap(around));
  return [...refs].reduce((sum, ref) => sum - castsOf(ref, choice, component), saved);
}

/** The type attributes to make bfloat16, by node, where that saves more memory traffic than its casts cost. */
export function bfloat16Nodes(step: RecordedStep): Map<string, readonly string[]> {
  const choice = choiceIn(step);
  const components = componentsOf(choice, withoutLosses(choice));
  const names = components.filter((each) => gainOf(each, choice) > 0).flatMap((each) => [...each]);
  return new Map(names.map((name) => [name, choice.candidates.get(name)?.types ?? []]));
}

/** Keeps activations in bfloat16 between our ops where that saves traffic: float32 arithmetic, rounded when stored. */
export const bfloat16Activations: Pass = (step) => {
  const chosen = bfloat16Nodes(step);
  const out: GraphNode[] = [];
  const lowered = new Map<string, { readonly name: string; readonly activations: readonly boolean[] }>();
  const reduced = createReductions((cast) => out.push(cast), "bfloat16", "narrow");
  const widened = new Set<string>();
  const isBfloat16 = (ref: string): boolean => lowered.get(nodeOf(ref))?.activations[outputOf(ref)] ?? false;
  const inner = (ref: string): string => outputRef(lowered.get(nodeOf(ref))?.name ?? nodeOf(ref), outputOf(ref));
  /** A tensor in float32; an activation of a lowered node is cast back once. */
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
    const activations = op === undefined ? [] : activationsAmong(op.signature.inputs, node, types);
    const inputs = node.inputs.map((ref, i) => {
      if (isControl(ref)) return control(ref);
      return activations[i] ? bfloat16(plainRef(ref)) : wide(plainRef(ref));
    });
    if (op === undefined || types.length === 0) {
      out.push({ ...node, inputs });
      continue;
    }
    const name = `${node.name}/narrow`;
    lowered.set(node.name, { name, activations: activationsAmong(op.signature.outputs, node, types) });
    out.push({
      ...node,
      name,
      inputs,
      attributes: { ...node.attributes, ...Object.fromEntries(types.map((type) => [type, { type: DT.bfloat16 }])) },
    });
  }
  const updates = step.updates.map(([variable, ref]) => [variable, wide(plainRef(ref))] as const);
  return { ...step, nodes: out, updates };
};
