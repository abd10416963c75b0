import type { GraphNode } from "#pefd/compile/graph/graph.js";
import type { Pass } from "#pefd/compile/record/recordedStep.js";

/** The nodes of a step of those nodes after a pass. */
export const through = (pass: Pass, nodes: readonly GraphNode[]): readonly GraphNode[] =>
  pass({ nodes, feeds: {}, reads: new Map(), updates: [] }).nodes;
