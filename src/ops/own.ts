/** What follows a convolution, its gradient or a batch normalisation in the same op: the sum with an image, and ReLU or its gradient. */
export interface Follows {
  readonly sum: boolean;
  readonly relu: boolean;
}

/** Our op for a convolution; it takes and gives what Conv2D does. */
export const OWN_CONVOLUTION = "PefdConv2D";
/** Our op for the gradient of a convolution's images. */
export const OWN_INPUT_GRADIENT = "PefdConv2DBackpropInput";
/** Our op for batch normalisation in training; what it gives is y, mean, variance (unbiased) and the inverse deviation. */
export const OWN_BATCH_NORM = "PefdBatchNorm";
/** Our op for its gradients: of x, scale and offset. */
export const OWN_BATCH_NORM_GRADIENT = "PefdBatchNormGrad";
/** Our op for several elementwise operations. */
export const OWN_ELEMENTWISE = "PefdElementwise";

/** Our one op for a convolution, a bias, and what follows. */
export const fusedConvolution = ({ sum, relu }: Follows): string =>
  `${OWN_CONVOLUTION}Bias${sum ? "Add" : ""}${relu ? "Relu" : ""}`;

/** Our one op for batch normalisation in training and what follows. */
export const fusedBatchNorm = ({ sum, relu }: Follows): string =>
  `${OWN_BATCH_NORM}${sum ? "Add" : ""}${relu ? "Relu" : ""}`;

/** Our one op for the gradient of a convolution's images and what follows. */
export const fusedInputGradient = ({ sum, relu }: Follows): string =>
  `${OWN_INPUT_GRADIENT}${sum ? "Add" : ""}${relu ? "ReluGrad" : ""}`;
