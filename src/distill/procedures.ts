import type { Method, Variant } from "./method.js";
import { ownOptions } from "./open.js";

/** What was published under one name: a method's row, with a variant's facts where it is one. */
export interface Procedure extends Method {
  /** The method that carries it out. */
  readonly method: Method;
  /** The values of the method's options by which a run is one of it; none for the method itself. */
  readonly set: Variant["set"];
}

/** What was published of a method: itself, then its variants. */
export function proceduresOf(method: Method): readonly Procedure[] {
  const { published: _published, golden: _golden, ...row } = method;
  const variants = (method.variants ?? []).map((variant) => ({ ...row, ...variant, method }));
  return [{ ...method, method, set: {} }, ...variants];
}

/** What a run with these options is one of. */
export function procedureOf(method: Method, told: object): Procedure {
  const values: Readonly<Record<string, unknown>> = ownOptions(method, told);
  const fits = ({ set }: Procedure) =>
    Object.entries(set).every(([name, value]) => values[name] === value);
  return proceduresOf(method).findLast(fits) as Procedure;
}
