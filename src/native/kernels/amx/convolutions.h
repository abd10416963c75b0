// Convolutions in bfloat16, and their gradients.
#pragma once

#include "convolve.h"
#include "filter_gradient.h"

namespace pefd {
namespace {

template <typename Number>
constexpr ConvolutionKernelsOf<Number> convolutionsInBfloat16{amxForward<Number>, amxInputGradient<Number>,
                                                              amxFilterGradient<Number>};

}  // namespace
}  // namespace pefd
