import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import type { GraphNode } from "../graph/graph.js";
import { TraceError } from "./traceError.js";

/** What a recording knows of a native tensor. */
export interface Recorded {
  readonly ref: string;
  readonly shape: readonly number[];
  /** Values of a small integer constant made on the host; shape rules need them. */
  readonly constant?: readonly number[];
}

/** The nodes of a recording, and which of them stands for which native tensor. */
export interface Ledger {
  readonly nodes: readonly GraphNode[];
  /** ReadVariableOp of each variable that was read. */
  readonly reads: ReadonlyMap<Variable, string>;
  /** @returns the node's name */
  add(node: GraphNode): string;
  /** A name for the next node, after its op. */
  nameFor(op: string): string;
  /** A tensor that is what a node gives back. */
  know(id: number, recorded: Recorded): void;
  /** A variable that may be read, by its tensor. */
  offer(id: number, variable: Variable, handle: string): void;
  /**
   * What stands for a tensor; a variable is read where it is first used.
   * @param user for the message
   * @throws TraceError for a tensor that nobody knows
   */
  resolve(id: number, user: string): Recorded;
}

/** An empty ledger. @param prefix of all node names */
export function createLedger(prefix: string): Ledger {
  const nodes: GraphNode[] = [];
  const reads = new Map<Variable, string>();
  const known = new Map<number, Recorded>();
  const readable = new Map<number, { variable: Variable; handle: string }>();
  const add = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const read = (variable: Variable, handle: string): Recorded => {
    const ref = add({
      name: `${prefix}/read/${reads.size}`,
      op: "ReadVariableOp",
      inputs: [handle],
      attributes: { dtype: { type: DT.float } },
      shapes: [variable.shape],
    });
    reads.set(variable, ref);
    return { ref, shape: variable.shape };
  };
  return {
    nodes,
    reads,
    add,
    nameFor: (op) => `${prefix}/${op}_${nodes.length}`,
    know: (id, recorded) => known.set(id, recorded),
    offer: (id, variable, handle) => readable.set(id, { variable, handle }),
    resolve(id, user) {
      const found = known.get(id);
      if (found !== undefined) return found;
      const offered = readable.get(id);
      if (offered === undefined) {
        throw new TraceError(
          `${user} uses a tensor that is neither a feed nor a variable nor made by the step`,
        );
      }
      const recorded = read(offered.variable, offered.handle);
      known.set(id, recorded);
      return recorded;
    },
  };
}
