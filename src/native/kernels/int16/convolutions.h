// Convolutions in whole numbers, and their gradients, by their geometry.
#pragma once

#include "../tiled/algorithms.h"
#include "filter_gradient.h"
#include "forward.h"
#include "pointwise_filter.h"

namespace pefd {
namespace {


template <typename Number>
Outcome anyForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                   EpilogueOf<Number> epilogue, Number *y) {
  if (conv.kernel == 1) return pointwiseForward(host, conv, x, filter, epilogue, y);
  return withAlgorithm(
      conv, [&](auto algorithm) { return forward<PairForward, decltype(algorithm)>(host, conv, x, filter, epilogue, y); });
}

template <typename Number>
Outcome anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                         EpilogueOf<Number> epilogue, Number *dx) {
  if (conv.kernel == 1) return pointwiseInputGradient(host, conv, filter, dy, epilogue, dx);
  return withAlgorithm(conv, [&](auto algorithm) {
    return inputGradient<PairForward, decltype(algorithm)>(host, conv, filter, dy, epilogue, dx);
  });
}

template <typename Number>
Outcome anyFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                          float *dfilter) {
  if (conv.kernel == 1) return pointwiseFilterGradient(host, conv, x, dy, dfilter);
  return withAlgorithm(
      conv, [&](auto algorithm) { return pairFilterGradient<decltype(algorithm)>(host, conv, x, dy, dfilter); });
}

template <typename Number>
constexpr ConvolutionKernelsOf<Number> convolutionsInWholeNumbers{anyForward<Number>, anyInputGradient<Number>,
                                                                  anyFilterGradient<Number>};

}  // namespace
}  // namespace pefd
