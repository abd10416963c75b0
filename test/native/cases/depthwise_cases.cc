// Depthwise convolutions, dgrad and wgrad against plain loops; the same bits for any number of threads and vector
// width.
#include <functional>
#include <memory>

#include "../cases.h"
#include "../kernels/convolutions.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

// Channels that fill vectors and others; odd sizes with stride 2, single rows and pixels, empty images; more images
// than groups; images in several bands of rows.
constexpr Depthwise SIZES[] = {
    {1, 1, 1, 1, 1},  {2, 4, 4, 16, 1},  {3, 5, 7, 24, 1},   {1, 33, 2, 58, 1}, {5, 8, 8, 54, 1},
    {2, 1, 29, 3, 1}, {7, 2, 3, 112, 1}, {3, 17, 16, 40, 1}, {0, 8, 8, 16, 1},  {2, 0, 5, 7, 1},
    {70, 2, 1, 9, 1}, {150, 4, 3, 5, 1}, {2, 32, 31, 17, 1}, {1, 41, 33, 3, 1}, {1, 6, 700, 2, 1},
};

// The same as a convolution with one channel per group.
Convolution asConvolution(const Depthwise &conv) {
  return {conv.n, conv.h, conv.w, conv.channels, conv.channels, 3, conv.stride, conv.channels};
}

// One of the three kernels.
struct Pass {
  const char *name;
  std::function<long(const Convolution &)> size;
  std::function<std::vector<double>(const Convolution &, const Operands &)> naive;
  std::function<Outcome(const Kernels &, const Host &, const Depthwise &, const Operands &, float *)> run;
};

const Pass PASSES[] = {
    {"forward", resultFloats, [](auto &conv, auto &of) { return naiveForward(conv, of.x, of.filter); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *y) {
       return kernels.depthwiseForward(host, conv, of.x.data(), of.filter.data(), y);
     }},
    {"dgrad", imageFloats, [](auto &conv, auto &of) { return naiveInputGradient(conv, of.filter, of.dy); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *dx) {
       return kernels.depthwiseInputGradient(host, conv, of.filter.data(), of.dy.data(), dx);
     }},
    {"wgrad", filterFloats, [](auto &conv, auto &of) { return naiveFilterGradient(conv, of.x, of.dy); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *dfilter) {
       return kernels.depthwiseFilterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
     }},
};

// The result for all instruction sets and numbers of threads.
void check(const Pass &pass, const Depthwise &conv) {
  const Operands operands(asConvolution(conv));
  std::unique_ptr<Floats> first;
  for (const KernelSet &set : kernelSets()) {
    for (const long workers : WORKERS) {
      const TestHost host(workers);
      auto actual = std::make_unique<Floats>(pass.size(asConvolution(conv)));
      const Outcome outcome = pass.run(*set.kernels, host.host(), conv, operands, actual->data());
      expect(outcome == Outcome::DONE, "out of memory");
      host.expectSound();
      if (first == nullptr) {
        expectClose(*actual, pass.naive(asConvolution(conv), operands));
        first = std::move(actual);
      } else {
        expectSameBits(*actual, *first);
      }
    }
  }
}

Cases depthwiseCases() {
  Cases cases;
  for (Depthwise conv : SIZES) {
    for (const long stride : {1, 2}) {
      conv.stride = stride;
      for (const Pass &pass : PASSES) {
        cases.push_back(
            {"depthwise " + nameOf(asConvolution(conv)) + ", " + pass.name, [=, &pass] { check(pass, conv); }});
      }
    }
  }
  return cases;
}

const Registered registered{depthwiseCases};

}  // namespace
}  // namespace pefd::test
