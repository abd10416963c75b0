// Convolutions, dgrad and wgrad against plain loops; the same bits for any number of threads and vector width.
#include <memory>

#include "../cases.h"
#include "../kernels/passes.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

Cases convolutionCases() {
  Cases cases;
  for (const Convolution &conv : convolutions()) {
    for (const Pass &pass : passes()) {
      // The first case to finish defines the bits of the others.
      const auto first = std::make_shared<std::unique_ptr<Floats>>();
      for (const KernelSet &set : kernelSets()) {
        for (const long workers : WORKERS) {
          const std::string name = nameOf(conv) + ", " + pass.name + ", " + set.name + ", " + threadsText(workers);
          cases.push_back({name, [=, &pass] { checkPass(pass, *set.kernels, conv, workers, {}, *first); }});
        }
      }
    }
  }
  return cases;
}

const Registered registered{convolutionCases};

}  // namespace
}  // namespace pefd::test
