// Convolutions and both gradients against plain loops; the same bits for any number of threads and all vectors.
#include <memory>

#include "../cases.h"
#include "../hosts.h"
#include "../kernels/passes.h"

namespace pefd::test {
namespace {

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
    for (const Pass &pass : passes()) {
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
