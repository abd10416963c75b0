import { createRegistry } from "../common/registry.js";
import { combination, namesIn } from "./combination.js";
import type { Method } from "./method.js";
import { abound } from "./methods/abound.js";
import { attention } from "./methods/attention.js";
import { catKd } from "./methods/catKd.js";
import { cid } from "./methods/cid.js";
import { correlation } from "./methods/correlation.js";
import { crd } from "./methods/crd.js";
import { ctkd } from "./methods/ctkd.js";
import { dist } from "./methods/dist.js";
import { dkd } from "./methods/dkd.js";
import { dot } from "./methods/dot.js";
import { factor } from "./methods/factor.js";
import { fsp } from "./methods/fsp.js";
import { hint } from "./methods/hint.js";
import { ickd } from "./methods/ickd.js";
import { itrd } from "./methods/itrd.js";
import { kd } from "./methods/kd.js";
import { kd1proj } from "./methods/kd1proj.js";
import { mlld } from "./methods/mlld.js";
import { nkd } from "./methods/nkd.js";
import { norm } from "./methods/norm.js";
import { nst } from "./methods/nst.js";
import { ofa } from "./methods/ofa.js";
import { ofd } from "./methods/ofd.js";
import { ours } from "./methods/ours.js";
import { pkt } from "./methods/pkt.js";
import { reviewkd } from "./methods/reviewkd.js";
import { rkd } from "./methods/rkd.js";
import { rld } from "./methods/rld.js";
import { sddDkd } from "./methods/sddDkd.js";
import { sddKd } from "./methods/sddKd.js";
import { semckd } from "./methods/semckd.js";
import { similarity } from "./methods/similarity.js";
import { simkd } from "./methods/simkd.js";
import { srrl } from "./methods/srrl.js";
import { ttm } from "./methods/ttm.js";
import { vid } from "./methods/vid.js";
import { wttm } from "./methods/wttm.js";
import { type Procedure, procedureOf, proceduresOf } from "./procedures.js";
import type { Beta, LossWeights } from "./weights.js";

/** Every distillation method, by name. A new method is one file in methods/ and one row here. */
export const METHODS = createRegistry<Method>({ one: "distillation method", many: "Methods" }, [
  ours,
  kd,
  kd1proj,
  dist,
  dkd,
  nkd,
  ctkd,
  rld,
  dot,
  mlld,
  ofa,
  sddKd,
  sddDkd,
  catKd,
  ttm,
  wttm,
  hint,
  attention,
  similarity,
  correlation,
  srrl,
  vid,
  nst,
  ickd,
  pkt,
  rkd,
  itrd,
  reviewkd,
  cid,
  crd,
  simkd,
  norm,
  abound,
  factor,
  fsp,
  semckd,
  ofd,
]);

/** All that was published of the methods: each of them, followed by its variants. */
export const procedures = (): readonly Procedure[] => METHODS.rows().flatMap(proceduresOf);

/**
 * What was published under a name: a method, or a variant of one.
 * @throws inputError with the nearest method's name
 */
export const procedureNamed = (name: string): Procedure =>
  procedures().find((procedure) => procedure.name === name) ?? procedureOf(METHODS.row(name), {});

/** Names of all methods, in the order of the registry. */
export const methodNames = METHODS.names;

/**
 * The rows that a name stands for: one, or those of a sum, such as crd+kd.
 * @throws inputError with the nearest name
 */
export const methodRows = (name: string): readonly Method[] => namesIn(name).map(METHODS.row);

/**
 * The row of a method, or of a sum of methods with their published weights.
 * @throws inputError with the nearest name, or for methods that cannot be summed
 */
export const methodRow = (name: string): Method =>
  weighted(
    methodRows(name),
    methodRows(name).map(({ weights }) => weights.beta),
  );

const weighted = (rows: readonly Method[], weights: readonly number[]): Method => {
  const [only, ...others] = rows;
  return only !== undefined && others.length === 0
    ? only
    : combination(rows.map((method, i) => ({ method, weight: weights[i] ?? 1 })));
};

/** A method and the loss's weights, as a run is told them. */
export interface Told {
  readonly distill: string;
  readonly gamma: number;
  readonly alpha: number;
  readonly beta: Beta;
}

/**
 * The method that a run is told, one or a sum, with the weights of its loss. Those of a sum's methods are in the method.
 * @throws inputError with the nearest name, or for methods that cannot be summed
 */
export function weightedMethod({ distill, gamma, alpha, beta }: Told): {
  readonly method: Method;
  readonly weights: LossWeights;
} {
  if (typeof beta === "number") {
    return { method: methodRow(distill), weights: { gamma, alpha, beta } };
  }
  const own = beta.every((weight) => weight === 0) ? 0 : 1;
  return { method: weighted(methodRows(distill), beta), weights: { gamma, alpha, beta: own } };
}
