import { OWN_CHANNELS, OWN_CONVOLUTION } from "../../ops/own.js";
import { type GraphNode, nodeOf, nodesByName, outputOf } from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** Where a convolution's filter [kernel, kernel, I, O] is to be found: an input's shape, or its own. */
const FILTERS: Readonly<Record<string, (shapes: readonly Shape[], own: Shape) => Shape>> = {
  [OWN_CONVOLUTION]: ([, filter]) => filter,
  [`${OWN_CONVOLUTION}BackpropInput`]: ([, filter]) => filter,
  [`${OWN_CONVOLUTION}BackpropFilter`]: (_shapes, own) => own,
};

type Shape = readonly number[] | undefined;

/**
 * Has our own convolutions and their gradients multiply in bfloat16, by the processor's units for matrices. They take and
 * give float32: only what is multiplied is rounded, so that nothing between them changes and nothing has to be cast.
 */
export const multiplyInBfloat16: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const shapeOf = (ref: string): Shape => byName.get(nodeOf(ref))?.shapes?.[outputOf(ref)];
  const isServed = (node: GraphNode): boolean => {
    const filter = FILTERS[node.op]?.(node.inputs.map(shapeOf), node.shapes?.[0]);
    return filter?.slice(2).every((channels) => channels % OWN_CHANNELS === 0) ?? false;
  };
  return {
    ...step,
    nodes: step.nodes.map((node) =>
      isServed(node)
        ? { ...node, attributes: { ...node.attributes, reduced: { bool: true } } }
        : node,
    ),
  };
};
