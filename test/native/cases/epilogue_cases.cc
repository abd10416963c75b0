// Fused epilogues: the bits of the unfused ops.
#include "../kernels/epilogues.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

const Convolution CONVOLUTIONS[] = {{2, 9, 7, 16, 48, 3, 1}, {3, 9, 6, 32, 16, 3, 2}, {1, 5, 10, 16, 32, 1, 1},
                                    {2, 7, 9, 48, 16, 1, 2}, {2, 9, 5, 20, 7, 1, 1},  {3, 5, 7, 18, 72, 1, 1, 3}};

Cases epilogueCases() {
  Cases cases;
  for (const Convolution &conv : CONVOLUTIONS) {
    for (const KernelSet &set : kernelSets()) addEpilogues(cases, "", conv, set.name, *set.kernels);
  }
  return cases;
}

const Registered registered{epilogueCases};

}  // namespace
}  // namespace pefd::test
