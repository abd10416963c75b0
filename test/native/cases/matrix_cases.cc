// Convolutions by units for matrices against plain loops over operands that were rounded to bfloat16 before; the same
// bits for any number of threads; what follows them; short memory.
#include <iterator>
#include <memory>

#include "../cases.h"
#include "../hosts.h"
#include "../kernels/epilogues.h"
#include "../kernels/passes.h"
#include "../kernels/shortage.h"
#include "../reference.h"

namespace pefd::test {
namespace {

// What else than convolutions() there is: rows that tiles fill; more results than are summed at once, of one image and
// of many; more images than slices, and several tiles of channels for the only tap.
constexpr Convolution MORE[] = {{2, 32, 32, 32, 64, 3, 1},   {3, 33, 64, 16, 48, 3, 2},  {1, 64, 31, 64, 32, 3, 2},
                                {40, 8, 8, 96, 32, 3, 1},    {2, 7, 16, 48, 80, 1, 1},  {1, 120, 118, 32, 16, 3, 1},
                                {290, 16, 16, 64, 16, 1, 1}, {17, 4, 5, 80, 48, 1, 1},  {18, 5, 4, 80, 48, 3, 2}};

constexpr Convolution FEW[] = {{2, 9, 7, 16, 48, 3, 1}, {3, 9, 6, 32, 16, 3, 2}, {1, 5, 10, 16, 32, 1, 1},
                               {2, 7, 9, 48, 16, 1, 2}, {2, 5, 32, 48, 80, 3, 1}};

bool isServed(const Convolution &conv) {
  return conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
}

void roundAll(Operands &operands) {
  for (Floats *floats : {&operands.x, &operands.filter, &operands.dy}) roundToBfloat16(*floats);
}

void addConvolutions(Cases &cases, const MatrixKernelSet &set) {
  std::vector<Convolution> all = convolutions();
  all.insert(all.end(), std::begin(MORE), std::end(MORE));
  for (const Convolution &conv : all) {
    if (!isServed(conv)) continue;
    for (const Pass &pass : passes()) {
      const auto first = std::make_shared<std::unique_ptr<Floats>>();
      for (long workers : {1L, 2L, MOST_WORKERS}) {
        const std::string name =
            "bfloat16: " + nameOf(conv) + ", " + pass.name + ", " + set.name + ", " + threadsText(workers);
        cases.push_back({name, [=, &pass] { checkPass(pass, *set.kernels, conv, workers, roundAll, *first); }});
      }
    }
  }
}

// Zeros, what is too small, what is large, and halves between two numbers, times one.
void roundsAsTheReference(const MatrixKernelSet &set) {
  const Convolution conv{1, 1, 16, 16, 16, 1, 1};
  const float specials[] = {0.0f, 1e-39f, -1e-39f, 3.38e38f, 1.00390625f, 1.01171875f, 65535.0f, -1.0f / 3};
  Operands operands(conv);
  for (long i = 0; i < operands.filter.count(); i++) operands.filter[i] = i % 17 == 0 ? 1.0f : 0.0f;
  for (long i = 0; i < operands.x.count(); i++) operands.x[i] = specials[i % 8];
  const TestHost host(1);
  Floats y(resultFloats(conv));
  set.kernels->forward(host.host(), conv, operands.x.data(), operands.filter.data(), {}, y.data());
  roundToBfloat16(operands.x);
  for (long i = 0; i < y.count(); i++) {
    expect(y[i] == operands.x[i], "element " + std::to_string(i) + " is rounded otherwise");
  }
}

}  // namespace

Cases matrixCases() {
  Cases cases;
  for (const MatrixKernelSet &set : matrixKernelSets()) {
    addConvolutions(cases, set);
    for (const Convolution &conv : FEW) {
      addEpilogues(cases, "bfloat16: ", conv, set.name, *set.kernels);
      addShortages(cases, "bfloat16, ", conv, set.name, *set.kernels);
    }
    cases.push_back({std::string("bfloat16: rounding, ") + set.name, [=] { roundsAsTheReference(set); }});
  }
  return cases;
}

}  // namespace pefd::test
