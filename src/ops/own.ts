/** Fused epilogues: the sum with a tensor, and ReLU or its gradient. */
export interface Follows {
  readonly sum: boolean;
  readonly relu: boolean;
}

/** Convolution, with Conv2D's signature. */
export const OWN_CONVOLUTION = "PefdConv2D";
export const OWN_INPUT_GRADIENT = "PefdConv2DBackpropInput";
/** Training batch normalisation: y, mean, unbiased variance, inverse standard deviation. */
export const OWN_BATCH_NORM = "PefdBatchNorm";
/** Its gradients: of x, scale and offset. */
export const OWN_BATCH_NORM_GRADIENT = "PefdBatchNormGrad";
/** A program of elementwise operations. */
export const OWN_ELEMENTWISE = "PefdElementwise";

/** Fused convolution, bias and epilogues. */
export const fusedConvolution = ({ sum, relu }: Follows): string =>
  `${OWN_CONVOLUTION}Bias${sum ? "Add" : ""}${relu ? "Relu" : ""}`;

/** Fused training batch normalisation and epilogues. */
export const fusedBatchNorm = ({ sum, relu }: Follows): string =>
  `${OWN_BATCH_NORM}${sum ? "Add" : ""}${relu ? "Relu" : ""}`;

/** Fused data gradient and epilogues. */
export const fusedInputGradient = ({ sum, relu }: Follows): string =>
  `${OWN_INPUT_GRADIENT}${sum ? "Add" : ""}${relu ? "ReluGrad" : ""}`;
