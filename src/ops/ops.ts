import type { Facts } from "./facts.js";
import { parseSignature, type Signature } from "./signature.js";
import { ROWS } from "./table.js";

/** All that is known of an op. */
export interface Op extends Facts {
  readonly name: string;
  readonly signature: Signature;
}

const OPS: ReadonlyMap<string, Op> = new Map(
  ROWS.flatMap(([names, signature, facts]) =>
    names
      .split(" ")
      .map((name) => [name, { name, signature: parseSignature(signature), ...facts }] as const),
  ),
);

/** An op of the table, or undefined. */
export const opNamed = (name: string): Op | undefined => OPS.get(name);

/** All ops of the table. */
export const allOps = (): Op[] => [...OPS.values()];

/** TensorFlow's op behind one of ours, and any other as it is. */
export const standardOp = (name: string): string => opNamed(name)?.standard ?? name;

const OWN: ReadonlyMap<string, string> = new Map(
  allOps().flatMap((op) => (op.standard === undefined ? [] : [[op.standard, op.name] as const])),
);

/** Our op that takes the arguments of one of TensorFlow's and computes the same. @throws Error where there is none */
export function ownOp(standard: string): string {
  const own = OWN.get(standard);
  if (own === undefined) throw new Error(`There is no op of ours for ${standard}.`);
  return own;
}
