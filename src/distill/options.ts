import { integer, number } from "../common/optionRow.js";

/** Options of the KL divergence between logits: of alpha's term, and of methods that are such a term. */
export const KL_OPTIONS = {
  kd_T: number(4, "Temperature of the KL divergence.", {
    boundTo: "distill",
    above: 0,
    touches: "numbers",
  }),
};

/** Options of methods that compare embeddings of pooled vectors. */
export const EMBEDDING_OPTIONS = {
  feat_dim: integer(128, "Size of the embeddings that are compared.", {
    ...{ min: 1, max: 4096, touches: "numbers" },
  }),
};
