import { opNamed } from "../../../ops/ops.js";
import { DT } from "../../../runtime/native.js";
import {
  type GraphNode,
  isControl,
  nodeOf,
  outputOf,
  outputRef,
  plainRef,
} from "../../graph/graph.js";
import { castNode, createReductions } from "../bfloat16.js";
import type { Pass } from "../pass.js";
import { imagesAmong } from "./candidates.js";
import { narrowNodes } from "./choice.js";

/** A node whose images are in bfloat16, under a name of its own, and which of its outputs are images. */
interface Narrowed {
  readonly name: string;
  readonly images: readonly boolean[];
}

/**
 * Has images lie in bfloat16 from one of our ops to the next, where that saves memory traffic: what is computed of them is in
 * float32 all the same, and rounded once, where it is written. Weights, statistics, losses and the optimizer stay in float32.
 */
export const narrowImages: Pass = (step) => {
  const chosen = narrowNodes(step);
  const out: GraphNode[] = [];
  const narrowed = new Map<string, Narrowed>();
  const { reduced } = createReductions((cast) => out.push(cast), "narrow");
  const widened = new Set<string>();
  const isNarrow = (ref: string): boolean =>
    narrowed.get(nodeOf(ref))?.images[outputOf(ref)] ?? false;
  const inner = (ref: string): string =>
    outputRef(narrowed.get(nodeOf(ref))?.name ?? nodeOf(ref), outputOf(ref));
  /** A tensor in float32: an image of a narrowed node is cast back the first time. */
  const wide = (ref: string): string => {
    if (!isNarrow(ref)) return narrowed.has(nodeOf(ref)) ? inner(ref) : ref;
    const output = outputOf(ref);
    const name = output === 0 ? nodeOf(ref) : `${nodeOf(ref)}/wide_${output}`;
    if (!widened.has(name)) {
      widened.add(name);
      out.push(castNode(name, inner(ref), DT.bfloat16, DT.float));
    }
    return name;
  };
  const narrow = (ref: string): string => (isNarrow(ref) ? inner(ref) : reduced(wide(ref)));
  const control = (ref: string): string => {
    const name = narrowed.get(ref.slice(1))?.name;
    return name === undefined ? ref : `^${name}`;
  };
  for (const node of step.nodes) {
    const op = opNamed(node.op);
    const types = chosen.get(node.name) ?? [];
    const images = op === undefined ? [] : imagesAmong(op.signature.inputs, node, types);
    const inputs = node.inputs.map((ref, i) => {
      if (isControl(ref)) return control(ref);
      return images[i] ? narrow(plainRef(ref)) : wide(plainRef(ref));
    });
    if (op === undefined || types.length === 0) {
      out.push({ ...node, inputs });
      continue;
    }
    const name = `${node.name}/narrow`;
    narrowed.set(node.name, { name, images: imagesAmong(op.signature.outputs, node, types) });
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
