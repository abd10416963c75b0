#include "reduced.h"

#include <iterator>
#include <memory>

#include "epilogues.h"
#include "out_of_memory.h"

namespace pefd::test {
namespace {

// Beyond convolutions(): rows of whole tiles; more outputs than are summed at once, of one image and of many; more
// images than slices; 1x1 with several tiles of channels; a filter that does not fit L2; more pixels than share a
// scale; weights larger than activations, with more tiles than are multiplied at once.
constexpr Convolution MORE[] = {{2, 32, 32, 32, 64, 3, 1},   {3, 33, 64, 16, 48, 3, 2}, {1, 64, 31, 64, 32, 3, 2},
                                {40, 8, 8, 96, 32, 3, 1},    {2, 7, 16, 48, 80, 1, 1},  {1, 120, 118, 32, 16, 3, 1},
                                {290, 16, 16, 64, 16, 1, 1}, {17, 4, 5, 80, 48, 1, 1},  {18, 5, 4, 80, 48, 3, 2},
                                {1, 5, 6, 512, 544, 1, 1},   {6, 17, 15, 32, 48, 1, 2}, {5, 16, 12, 16, 96, 3, 1}};

constexpr Convolution FEW[] = {{2, 9, 7, 16, 48, 3, 1},
                               {3, 9, 6, 32, 16, 3, 2},
                               {1, 5, 10, 16, 32, 1, 1},
                               {2, 7, 9, 48, 16, 1, 2},
                               {2, 5, 32, 48, 80, 3, 1}};

bool isServed(const Convolution &conv) {
  return conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
}

void addConvolutions(Cases &cases, const std::string &name, const ReducedKernelSet &set, const Exactness &exactness) {
  std::vector<Convolution> all = convolutions();
  all.insert(all.end(), std::begin(MORE), std::end(MORE));
  for (const Convolution &conv : all) {
    if (!isServed(conv)) continue;
    for (const Pass &pass : passes()) {
      const auto first = std::make_shared<std::unique_ptr<Floats>>();
      for (const long workers : FEW_WORKERS) {
        const std::string full =
            name + ": " + nameOf(conv) + ", " + pass.name + ", " + set.name + ", " + threadsText(workers);
        cases.push_back({full, [=, &pass] { checkPass(pass, *set.kernels, conv, workers, exactness, *first); }});
      }
    }
  }
}

}  // namespace

void addReduced(Cases &cases, const std::string &name, const ReducedKernelSet &set, const Exactness &exactness) {
  addConvolutions(cases, name, set, exactness);
  for (const Convolution &conv : FEW) {
    addEpilogues(cases, name + ": ", conv, set.name, *set.kernels);
    addOutOfMemory(cases, name + ", ", conv, set.name, *set.kernels);
  }
}

}  // namespace pefd::test
