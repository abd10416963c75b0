// Convolutions and both gradients against plain loops; the same bits for any number of threads and all vectors.
#include <memory>

#include "../cases.h"
#include "../hosts.h"
#include "../kernels/passes.h"

namespace pefd::test {
Cases convolutionCases() {
  Cases cases;
  for (const Convolution &conv : convolutions()) {
    for (const Pass &pass : passes()) {
      // The first of these cases to finish says which bits the others have.
      const auto first = std::make_shared<std::unique_ptr<Floats>>();
      for (const KernelSet &set : kernelSets()) {
        for (long workers = 1; workers <= MOST_WORKERS; workers++) {
          const std::string name = nameOf(conv) + ", " + pass.name + ", " + set.name + ", " + threadsText(workers);
          cases.push_back({name, [=, &pass] { checkPass(pass, *set.kernels, conv, workers, {}, *first); }});
        }
      }
    }
  }
  return cases;
}

}  // namespace pefd::test
