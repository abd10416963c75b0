/** Papers that several methods are of. */
export const PEFD =
  "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
export const TTM =
  "Zheng and Yang, Knowledge Distillation Based on Transformed Teacher Matching, ICLR 2024";
