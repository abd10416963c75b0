// What images in bfloat16 go through.
#pragma once

#include "batch_norm.h"
#include "elementwise.h"

namespace pefd {
namespace {

// Some convolutions, batch normalisation and elementwise arithmetic.
constexpr ImageKernels<Bfloat16> narrowed(const ConvolutionKernelsOf<Bfloat16> &convolutions) {
  return {convolutions, batchNorm<Bfloat16>, batchNormGradient<Bfloat16>, elementwise<Bfloat16>};
}

}  // namespace
}  // namespace pefd
