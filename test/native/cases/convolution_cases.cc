// Convolutions and both gradients against plain loops; the same bits for any number of threads and all vectors.
#include <functional>
#include <memory>
#include <vector>

#include "../cases.h"
#include "../convolutions.h"
#include "../hosts.h"
#include "../reference.h"

namespace pefd::test {
namespace {

// One of the three kernels on some operands.
struct Pass {
  const char *name;
  std::function<long(const Convolution &)> size;
  std::function<std::vector<double>(const Convolution &, const Operands &)> naive;
  std::function<Outcome(const Kernels &, const Host &, const Convolution &, const Operands &, float *)> run;
};

const Pass PASSES[] = {
    {"forward", resultFloats, [](auto &conv, auto &of) { return naiveForward(conv, of.x, of.filter); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *y) {
       return kernels.forward(host, conv, of.x.data(), of.filter.data(), {}, y);
     }},
    {"gradient of the images", imageFloats,
     [](auto &conv, auto &of) { return naiveInputGradient(conv, of.filter, of.dy); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *dx) {
       return kernels.inputGradient(host, conv, of.filter.data(), of.dy.data(), {}, dx);
     }},
    {"gradient of the filter", filterFloats,
     [](auto &conv, auto &of) { return naiveFilterGradient(conv, of.x, of.dy); },
     [](auto &kernels, auto &host, auto &conv, auto &of, float *dfilter) {
       return kernels.filterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
     }},
};

// What the cases of one pass of one convolution share: the first of them to finish says which bits the others have.
struct Results {
  std::unique_ptr<Floats> first;
};

void check(const Pass &pass, const Convolution &conv, const KernelSet &set, long workers, Results &results) {
  const Operands operands(conv);
  const TestHost host(workers);
  auto actual = std::make_unique<Floats>(pass.size(conv));
  const Outcome outcome = pass.run(*set.kernels, host.host(), conv, operands, actual->data());
  expect(outcome == Outcome::DONE, "memory was short");
  host.expectSound();
  if (results.first != nullptr) return expectSameBits(*actual, *results.first);
  expectClose(*actual, pass.naive(conv, operands));
  results.first = std::move(actual);
}

}  // namespace

Cases convolutionCases() {
  Cases cases;
  for (const Convolution &conv : convolutions()) {
    for (const Pass &pass : PASSES) {
      const auto results = std::make_shared<Results>();
      for (const KernelSet &set : kernelSets()) {
        for (long workers = 1; workers <= MOST_WORKERS; workers++) {
          const std::string name = nameOf(conv) + ", " + pass.name + ", " + set.name + ", " + std::to_string(workers) +
                                   (workers == 1 ? " thread" : " threads");
          cases.push_back({name, [=, &pass] { check(pass, conv, set, workers, *results); }});
        }
      }
    }
  }
  return cases;
}

}  // namespace pefd::test
