/** Papers that several methods are of. */
export const PEFD =
  "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
export const TTM =
  "Zheng and Yang, Knowledge Distillation Based on Transformed Teacher Matching, ICLR 2024";

/** Code that several methods were compared with. */
export const REP_DISTILLER = "HobbitLong/RepDistiller b84f547";
export const TTM_CODE = "zkxufo/TTM fe457b3";
export const SIM_KD = "DefangChen/SimKD 2b389c3";
