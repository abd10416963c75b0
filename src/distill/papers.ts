/** Papers that several methods are of. */
export const PEFD =
  "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
