import { integer, number } from "../common/optionRow.js";

/** Options of the KL divergence between logits: of alpha's term, and of methods that are such a term. */
export const KL_OPTIONS = {
  kd_T: number(4, "Temperature of the KL divergence.", {
    boundTo: "distill",
    above: 0,
    touches: "numbers",
  }),
};

/** Pairs of ImageNet with published settings. */
export const IMAGENET_PAIRS = ["RESNET34-RESNET18", "RESNET50-MobileNet"] as const;

/** Of KL methods for these, in the configurations of mdistiller and torchdistill: a temperature of 1, and halves. */
export const IMAGENET_KL = {
  pairs: IMAGENET_PAIRS,
  weights: { gamma: 0.5, beta: 0.5 },
  options: { kd_T: 1 },
};

/** Options of methods that compare embeddings of pooled vectors. */
export const EMBEDDING_OPTIONS = {
  feat_dim: integer(128, "Size of the embeddings that are compared.", {
    min: 1,
    max: 4096,
    touches: "numbers",
  }),
};

/** Options of methods that begin with a phase, as RepDistiller's do: 30 epochs before the 240 of all methods. */
export const PHASE_OPTIONS = {
  init_epochs: integer(30, "Epochs of the first phase, out of --epochs.", {
    min: 0,
    touches: "numbers",
  }),
};

/** The epochs of a published run with such a phase. */
export const PHASE_DEFAULTS = { epochs: 270 };
