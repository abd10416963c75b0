import { attributeReader, type GraphNode } from "#pefd/compile/graph/graph.js";

/** Element type of what a node computes with, by TensorFlow's numbers. */
export const elementType = (node: GraphNode): unknown => attributeReader(node)("T");
