import { integer, number } from "../common/optionRow.js";

/** Of alpha's KL divergence, and of methods like it. */
export const KL_OPTIONS = {
  kd_T: number(4, "Temperature of the KL divergence.", { boundTo: "distill", above: 0, touches: "numbers" }),
};

export const IMAGENET_PAIRS = ["RESNET34-RESNET18", "RESNET50-MobileNet"] as const;

/** KL methods' settings for these in mdistiller and torchdistill: temperature 1, half the weights. */
export const IMAGENET_KL = { pairs: IMAGENET_PAIRS, weights: { gamma: 0.5, beta: 0.5 }, options: { kd_T: 1 } };

/** Of methods that embed pooled vectors. */
export const EMBEDDING_OPTIONS = {
  feat_dim: integer(128, "Size of the embeddings that are compared.", { min: 1, max: 4096, touches: "numbers" }),
};

/** Of methods with RepDistiller's first phase: 30 epochs before the usual 240. */
export const PHASE_OPTIONS = {
  init_epochs: integer(30, "Epochs of the first phase, out of --epochs.", { min: 0, touches: "numbers" }),
};

export const PHASE_DEFAULTS = { epochs: 270 };
