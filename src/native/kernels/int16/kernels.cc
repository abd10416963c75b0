// Convolutions whose products are made of whole numbers of 16 bits; KERNELS is the name of a pointer to them. With PEFD_VNNI
// they use the processor's instruction for that, if the compiler is new enough for an assembler that knows it; if not, it is
// a null pointer. Without PEFD_VNNI plain loops stand in its place.
#include "../kernels.h"

#if !defined(PEFD_VNNI) || __GNUC__ >= 8

#include "../tiled/algorithms.h"
#include "filter_gradient.h"
#include "forward.h"
#include "pointwise_filter.h"

namespace pefd {
namespace {

Outcome anyForward(const Host &host, const Convolution &conv, const float *x, const float *filter, Epilogue epilogue,
                   float *y) {
  if (conv.kernel == 1) return pointwiseForward(host, conv, x, filter, epilogue, y);
  return withAlgorithm(
      conv, [&](auto algorithm) { return forward<PairForward, decltype(algorithm)>(host, conv, x, filter, epilogue, y); });
}

Outcome anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy,
                         Epilogue epilogue, float *dx) {
  if (conv.kernel == 1) return pointwiseInputGradient(host, conv, filter, dy, epilogue, dx);
  return withAlgorithm(conv, [&](auto algorithm) {
    return inputGradient<PairForward, decltype(algorithm)>(host, conv, filter, dy, epilogue, dx);
  });
}

Outcome anyFilterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  if (conv.kernel == 1) return pointwiseFilterGradient(host, conv, x, dy, dfilter);
  return withAlgorithm(
      conv, [&](auto algorithm) { return pairFilterGradient<decltype(algorithm)>(host, conv, x, dy, dfilter); });
}

constexpr ConvolutionKernels ALL{anyForward, anyInputGradient, anyFilterGradient};

}  // namespace

extern const ConvolutionKernels *const KERNELS;
const ConvolutionKernels *const KERNELS = &ALL;

}  // namespace pefd

#else

namespace pefd {

extern const ConvolutionKernels *const KERNELS;
const ConvolutionKernels *const KERNELS = nullptr;

}  // namespace pefd

#endif
