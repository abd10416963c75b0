import { opNamed } from "../../ops/ops.js";
import { positionsOf } from "../../ops/signature.js";
import { TraceError } from "../record/traceError.js";
import { attributeReader, type GraphNode } from "./graph.js";

/**
 * The reference to a node's output inside of a function: "node:output argument:index".
 * @throws TraceError naming the op and the line that called it, when its outputs are not known
 */
export function functionRef(node: GraphNode, index: number): string {
  const outputs = opNamed(node.op)?.signature.outputs;
  const output = outputs && positionsOf(outputs, attributeReader(node))?.[index];
  if (output !== undefined) return `${node.name}:${output.argument}:${output.index}`;
  throw new TraceError(
    `the outputs of ${node.op} are not known; add it to ops/table.ts`,
    node.caller,
  );
}
