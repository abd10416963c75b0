// Convolutions in whole numbers, and their gradients, by their geometry.
#pragma once

#include "../tiled/algorithms.h"
#include "filter_gradient.h"
#include "forward.h"
#include "pointwise_filter.h"
#include "spread.h"

namespace pefd {
namespace {

// Pixels of a result.
inline long resultPixels(const Convolution &conv) {
  return ceilDivide(conv.h, conv.stride) * ceilDivide(conv.w, conv.stride);
}

template <typename Number>
Outcome anyForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                   EpilogueOf<Number> epilogue, Number *y) {
  const auto inIntegers = [&](const Convolution &some, const Number *x, const EpilogueOf<Number> &after, Number *y) {
    if (conv.kernel == 1) return pointwiseForward(host, some, x, filter, after, y);
    return withAlgorithm(
        conv, [&](auto algorithm) { return forward<PairForward, decltype(algorithm)>(host, some, x, filter, after, y); });
  };
  const auto inFloats = [&](const Convolution &some, const Number *x, const EpilogueOf<Number> &after, Number *y) {
    return withAlgorithm(
        conv, [&](auto algorithm) { return forward<Forward, decltype(algorithm)>(host, some, x, filter, after, y); });
  };
  return byImages(host, conv, {filter, conv.inputs, conv.outputs, false}, x, conv.h * conv.w, epilogue, y,
                  resultPixels(conv) * conv.outputs, inIntegers, inFloats);
}

template <typename Number>
Outcome anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                         EpilogueOf<Number> epilogue, Number *dx) {
  const auto inIntegers = [&](const Convolution &some, const Number *dy, const EpilogueOf<Number> &after, Number *dx) {
    if (conv.kernel == 1) return pointwiseInputGradient(host, some, filter, dy, after, dx);
    return withAlgorithm(conv, [&](auto algorithm) {
      return inputGradient<PairForward, decltype(algorithm)>(host, some, filter, dy, after, dx);
    });
  };
  const auto inFloats = [&](const Convolution &some, const Number *dy, const EpilogueOf<Number> &after, Number *dx) {
    return withAlgorithm(conv, [&](auto algorithm) {
      return inputGradient<Forward, decltype(algorithm)>(host, some, filter, dy, after, dx);
    });
  };
  return byImages(host, conv, {filter, conv.outputs, conv.inputs, true}, dy, resultPixels(conv), epilogue, dx,
                  conv.h * conv.w * conv.inputs, inIntegers, inFloats);
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
