// The float32 kernels, compiled once per instruction set as KERNELS.
#include "kernels.h"

#include "batch_norm.h"
#include "depthwise.h"
#include "elementwise.h"
#include "grouped.h"
#include "resize.h"
#include "stem.h"
#include "transpose_last_axes.h"
#include "winograd/forward.h"
#include "winograd/transforms.h"
#include "winograd/wgrad.h"

namespace pefd {
namespace {

// Whether it is a GEMM on activations in place.
bool isProduct(const Convolution &conv) { return conv.kernel == 1 && conv.stride == 1; }

// Whether its channels fill whole panels.
bool isEven(const Convolution &conv) {
  return conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
}

Outcome anyForward(const Host &host, const Convolution &conv, const float *x, const float *filter, Epilogue epilogue,
                   float *y) {
  if (isProduct(conv)) return groupedProduct(host, conv, false, x, filter, epilogue, y);
  return withAlgorithm(
      conv, [&](auto algorithm) { return forward<Forward, decltype(algorithm)>(host, conv, x, filter, epilogue, y); });
}

Outcome anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy,
                         Epilogue epilogue, float *dx) {
  if (isProduct(conv)) return groupedProduct(host, conv, true, dy, filter, epilogue, dx);
  return withAlgorithm(conv, [&](auto algorithm) {
    return inputGradient<Forward, decltype(algorithm)>(host, conv, filter, dy, epilogue, dx);
  });
}

Outcome anyFilterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  if (isProduct(conv) && !isEven(conv)) return groupedFilterGradient(host, conv, x, dy, dfilter);
  return withAlgorithm(conv,
                       [&](auto algorithm) { return filterGradient<decltype(algorithm)>(host, conv, x, dy, dfilter); });
}

}  // namespace

extern const Kernels KERNELS;
const Kernels KERNELS{{{anyForward, anyInputGradient, anyFilterGradient},
                       stemForward<float>,
                       stemFilterGradient<float>,
                       batchNorm<float>,
                       batchNormGradient<float>,
                       elementwise<float>},
                      depthwiseForward,
                      depthwiseInputGradient,
                      depthwiseFilterGradient,
                      transposeLastAxes,
                      resize};

}  // namespace pefd
