// Convolutions and elementwise arithmetic, compiled once per instruction set; KERNELS is the name of the result.
#include "kernels.h"

#include "elementwise.h"
#include "filter_gradient.h"
#include "forward.h"

namespace pefd {
namespace {

// Calls `run` with the algorithm of a convolution.
template <typename Run>
void withAlgorithm(const Convolution &conv, Run run) {
  if (conv.kernel == 3) return conv.stride == 1 ? run(Same{}) : run(Strided{});
  return conv.stride == 1 ? run(Pixels{}) : run(StridedPixels{});
}

void anyForward(const Host &host, const Convolution &conv, const float *x, const float *filter, Finish finish,
                float *y) {
  withAlgorithm(conv, [&](auto algorithm) { forward<decltype(algorithm)>(host, conv, x, filter, finish, y); });
}

void anyInputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy, Finish finish,
                      float *dx) {
  withAlgorithm(conv, [&](auto algorithm) { inputGradient<decltype(algorithm)>(host, conv, filter, dy, finish, dx); });
}

void anyFilterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  withAlgorithm(conv, [&](auto algorithm) { filterGradient<decltype(algorithm)>(host, conv, x, dy, dfilter); });
}

}  // namespace

const Kernels KERNELS{anyForward, anyInputGradient, anyFilterGradient, elementwise};

}  // namespace pefd
