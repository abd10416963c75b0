// Which algorithm computes a convolution.
#pragma once

#include "../kernels.h"
#include "pointwise.h"
#include "strided.h"
#include "winograd.h"

namespace pefd {
namespace {

// Calls `run` with the algorithm of a convolution.
template <typename Run>
Outcome withAlgorithm(const Convolution &conv, Run run) {
  if (conv.kernel == 3) return conv.stride == 1 ? run(Winograd3x3{}) : run(Strided3x3{});
  return conv.stride == 1 ? run(Pointwise{}) : run(StridedPointwise{});
}

}  // namespace
}  // namespace pefd
