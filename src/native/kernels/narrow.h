// What images in bfloat16 go through.
#pragma once

#include "batch_norm.h"
#include "elementwise.h"
#include "stem.h"

namespace pefd {
namespace {

// Some convolutions, the first one of a model, batch normalisation and elementwise arithmetic.
constexpr ImageKernels<Bfloat16> narrowed(const ConvolutionKernelsOf<Bfloat16> &convolutions) {
  return {convolutions,        stemForward<Bfloat16>,       stemFilterGradient<Bfloat16>,
          batchNorm<Bfloat16>, batchNormGradient<Bfloat16>, elementwise<Bfloat16>};
}

}  // namespace
}  // namespace pefd
