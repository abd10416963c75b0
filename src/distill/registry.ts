import { createRegistry } from "../common/registry.js";
import { combination, namesIn } from "./combination.js";
import type { Method } from "./method.js";
import { catKd } from "./methods/classMaps/catKd.js";
import { sddDkd } from "./methods/classMaps/sddDkd.js";
import { sddKd } from "./methods/classMaps/sddKd.js";
import { aver, ebkd } from "./methods/logits/aver.js";
import { crld } from "./methods/logits/crld.js";
import { csKd } from "./methods/logits/csKd.js";
import { ctkd } from "./methods/logits/ctkd.js";
import { deepkdDkd, deepkdKd } from "./methods/logits/deepkd.js";
import { dist } from "./methods/logits/dist.js";
import { dkd } from "./methods/logits/dkd.js";
import { gklKd } from "./methods/logits/dkl.js";
import { dml } from "./methods/logits/dml.js";
import { dot } from "./methods/logits/dot.js";
import { eaDkd, eaKd } from "./methods/logits/ea.js";
import { kd } from "./methods/logits/kd.js";
import { kd1proj } from "./methods/logits/kd1proj.js";
import { luminet } from "./methods/logits/luminet.js";
import { mlld } from "./methods/logits/mlld.js";
import { nkd } from "./methods/logits/nkd.js";
import { normkd, normkdDkd } from "./methods/logits/normkd.js";
import { ofa } from "./methods/logits/ofa.js";
import { rld } from "./methods/logits/rld.js";
import { labelSmoothing, tfKdReg, tfKdSelf } from "./methods/logits/teacherFree.js";
import { tekap } from "./methods/logits/tekap.js";
import { ttm, wttm } from "./methods/logits/ttm.js";
import { abound } from "./methods/maps/abound.js";
import { attention } from "./methods/maps/attention.js";
import { camkd } from "./methods/maps/camkd.js";
import { factor } from "./methods/maps/factor.js";
import { fsp } from "./methods/maps/fsp.js";
import { hint } from "./methods/maps/hint.js";
import { ickd } from "./methods/maps/ickd.js";
import { norm } from "./methods/maps/norm.js";
import { nst } from "./methods/maps/nst.js";
import { ofd } from "./methods/maps/ofd.js";
import { reviewkd } from "./methods/maps/reviewkd.js";
import { semckd } from "./methods/maps/semckd.js";
import { similarity } from "./methods/maps/similarity.js";
import { simkd } from "./methods/maps/simkd.js";
import { vid } from "./methods/maps/vid.js";
import { wkdF } from "./methods/maps/wkdF.js";
import { cid } from "./methods/vectors/cid.js";
import { correlation } from "./methods/vectors/correlation.js";
import { crd } from "./methods/vectors/crd.js";
import { dcd } from "./methods/vectors/dcd.js";
import { dkdpp, kdpp } from "./methods/vectors/featureDirection.js";
import { itrd } from "./methods/vectors/itrd.js";
import { ours } from "./methods/vectors/ours.js";
import { pkt } from "./methods/vectors/pkt.js";
import { rkd } from "./methods/vectors/rkd.js";
import { rrd } from "./methods/vectors/rrd.js";
import { srd } from "./methods/vectors/srd.js";
import { srrl } from "./methods/vectors/srrl.js";
import { wkdL } from "./methods/vectors/wkdL.js";
import { type Procedure, proceduresOf } from "./open.js";
import type { Beta, LossWeights } from "./weights.js";

const KIND = { one: "distillation method", many: "Methods" };

/** All distillation methods. A new one is a file in methods/GROUP (published.ts) and a row here. */
export const METHODS = createRegistry<Method>(KIND, [
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
  luminet,
  normkd,
  normkdDkd,
  tekap,
  aver,
  ebkd,
  camkd,
  crld,
  eaKd,
  eaDkd,
  labelSmoothing,
  tfKdReg,
  tfKdSelf,
  csKd,
  dml,
  gklKd,
  deepkdKd,
  deepkdDkd,
  kdpp,
  dkdpp,
  rrd,
  dcd,
  srd,
  wkdL,
  wkdF,
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

/** All methods, each followed by its variants. */
export const procedures = (): readonly Procedure[] => METHODS.rows().flatMap(proceduresOf);

/** A procedure by name. @throws inputError for an unknown one */
export const procedureRow = (name: string): Procedure => createRegistry(KIND, procedures()).row(name);

export const methodNames = METHODS.names;

/** The method that papers call so, as its summary has in brackets: attention for AT. */
export const methodInPapers = (typed: string): string | undefined =>
  METHODS.rows().find(({ summary }) => summary.toLowerCase().endsWith(`(${typed.toLowerCase()})`))?.name;

/** The rows of a name, several for a sum such as crd+kd. @throws inputError with the nearest name */
export const methodRows = (name: string): readonly Method[] => namesIn(name).map(METHODS.row);

/** A method, or a sum with published weights. @throws inputError with the nearest name, or if not summable */
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

/** Whether a run needs no teacher: one of teacher-free methods, without a KL divergence from a teacher's logits. */
export const isTeacherFree = ({ distill, alpha }: { readonly distill: string; readonly alpha: number }): boolean =>
  alpha === 0 && methodRows(distill).every(({ teacherFree }) => teacherFree);

export interface Told {
  readonly distill: string;
  readonly gamma: number;
  readonly alpha: number;
  readonly beta: Beta;
}

/** A run's method or sum, with the loss's weights. @throws inputError with the nearest name, or if not summable */
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
