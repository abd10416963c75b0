// Convolutions with int16 VNNI dot products, for float32 activations, or bfloat16 ones with
// PEFD_BFLOAT16_ACTIVATIONS. Without PEFD_VNNI plain loops replace the instructions, which the assembler must know
// otherwise.
#include "../export.h"

#if (!defined(PEFD_VNNI) || __GNUC__ >= 8) && (!defined(PEFD_BFLOAT16) || __GNUC__ >= 10)

#include "../winograd/transforms.h"
#include "float32_fallback.h"
#include "forward.h"
#include "pointwise.h"
#include "wgrad.h"

namespace pefd {
namespace {

// Output pixels of an image.
inline long resultPixels(const Convolution &conv) {
  return ceilDivide(conv.h, conv.stride) * ceilDivide(conv.w, conv.stride);
}

template <typename Number>
Outcome anyForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                   EpilogueOf<Number> epilogue, Number *y) {
  const auto inInt16 = [&](const Convolution &some, const Number *x, const EpilogueOf<Number> &after, Number *y) {
    if (conv.kernel == 1) return pointwiseForward(host, some, x, filter, after, y);
    return withAlgorithm(conv, [&](auto algorithm) {
      return forward<Int16Forward, decltype(algorithm)>(host, some, x, filter, after, y);
    });
  };
  const auto inFloat32 = [&](const Convolution &some, const Number *x, const EpilogueOf<Number> &after, Number *y) {
    return withAlgorithm(
        conv, [&](auto algorithm) { return forward<Forward, decltype(algorithm)>(host, some, x, filter, after, y); });
  };
  return withFloat32Fallback(host, conv, {filter, conv.inputs, conv.outputs, false}, x, conv.h * conv.w, epilogue, y,
                             resultPixels(conv) * conv.outputs, inInt16, inFloat32);
}

template <typename Number>
Outcome anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                         EpilogueOf<Number> epilogue, Number *dx) {
  const auto inInt16 = [&](const Convolution &some, const Number *dy, const EpilogueOf<Number> &after, Number *dx) {
    if (conv.kernel == 1) return pointwiseInputGradient(host, some, filter, dy, after, dx);
    return withAlgorithm(conv, [&](auto algorithm) {
      return inputGradient<Int16Forward, decltype(algorithm)>(host, some, filter, dy, after, dx);
    });
  };
  const auto inFloat32 = [&](const Convolution &some, const Number *dy, const EpilogueOf<Number> &after, Number *dx) {
    return withAlgorithm(conv, [&](auto algorithm) {
      return inputGradient<Forward, decltype(algorithm)>(host, some, filter, dy, after, dx);
    });
  };
  return withFloat32Fallback(host, conv, {filter, conv.outputs, conv.inputs, true}, dy, resultPixels(conv), epilogue,
                             dx, conv.h * conv.w * conv.inputs, inInt16, inFloat32);
}

template <typename Number>
Outcome anyFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                          float *dfilter) {
  if (conv.kernel == 1) return pointwiseFilterGradient(host, conv, x, dy, dfilter);
  return withAlgorithm(
      conv, [&](auto algorithm) { return int16FilterGradient<decltype(algorithm)>(host, conv, x, dy, dfilter); });
}

template <typename Number>
constexpr ConvolutionKernelsOf<Number> int16Convolutions{anyForward<Number>, anyInputGradient<Number>,
                                                         anyFilterGradient<Number>};

}  // namespace
}  // namespace pefd

PEFD_EXPORT(int16Convolutions)

#else

PEFD_EXPORT_NONE

#endif
