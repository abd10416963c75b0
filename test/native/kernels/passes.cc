#include "passes.h"

#include "../cases.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {

const std::vector<Pass> &passes() {
  static const std::vector<Pass> all = {
      {"forward", resultFloats, [](auto &conv, auto &of) { return naiveForward(conv, of.x, of.filter); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *y) {
         return kernels.forward(host, conv, of.x.data(), of.filter.data(), {}, y);
       }},
      {"dgrad", imageFloats, [](auto &conv, auto &of) { return naiveInputGradient(conv, of.filter, of.dy); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *dx) {
         return kernels.inputGradient(host, conv, of.filter.data(), of.dy.data(), {}, dx);
       }},
      {"wgrad", filterFloats, [](auto &conv, auto &of) { return naiveFilterGradient(conv, of.x, of.dy); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *dfilter) {
         return kernels.filterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
       }},
  };
  return all;
}

void checkPass(const Pass &pass, const ConvolutionKernels &kernels, const Convolution &conv, long workers,
               const Exactness &exactness, std::unique_ptr<Floats> &first) {
  Operands operands(conv);
  const TestHost host(workers);
  auto actual = std::make_unique<Floats>(pass.size(conv));
  const Outcome outcome = pass.run(kernels, host.host(), conv, operands, actual->data());
  expect(outcome == Outcome::DONE, "out of memory");
  host.expectSound();
  if (first != nullptr) return expectSameBits(*actual, *first);
  if (exactness.prepare != nullptr) exactness.prepare(operands);
  expectClose(*actual, pass.naive(conv, operands), exactness.tolerance);
  first = std::move(actual);
}

std::string threadsText(long workers) { return std::to_string(workers) + (workers == 1 ? " thread" : " threads"); }

}  // namespace pefd::test
