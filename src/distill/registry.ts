import { createRegistry } from "../common/registry.js";
import type { Method } from "./method.js";
import { abound } from "./methods/abound.js";
import { attention } from "./methods/attention.js";
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
import { ours } from "./methods/ours.js";
import { pkt } from "./methods/pkt.js";
import { reviewkd } from "./methods/reviewkd.js";
import { rkd } from "./methods/rkd.js";
import { rld } from "./methods/rld.js";
import { similarity } from "./methods/similarity.js";
import { simkd } from "./methods/simkd.js";
import { srrl } from "./methods/srrl.js";
import { ttm } from "./methods/ttm.js";
import { vid } from "./methods/vid.js";
import { wttm } from "./methods/wttm.js";
import { type Procedure, procedureOf, proceduresOf } from "./procedures.js";

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
 * The row of a method.
 * @throws inputError with the nearest name
 */
export const methodRow = METHODS.row;
