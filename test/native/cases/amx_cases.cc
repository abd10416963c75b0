// AMX convolutions against plain loops over operands rounded to bfloat16; the same bits for any number of threads;
// epilogues; out of memory.
#include "../cases.h"
#include "../kernels/reduced.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

void roundAll(Operands &operands) {
  for (Floats *floats : {&operands.x, &operands.filter, &operands.dy}) roundToBfloat16(*floats);
}

// Zeros, denormals, large numbers and ties, times one.
void roundsAsTheReference(const ReducedKernelSet &set) {
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

Cases amxCases() {
  Cases cases;
  for (const ReducedKernelSet &set : amxKernelSets()) {
    addReduced(cases, "bfloat16", set, {roundAll});
    cases.push_back({std::string("bfloat16: rounding, ") + set.name, [=] { roundsAsTheReference(set); }});
  }
  return cases;
}

const Registered registered{amxCases};

}  // namespace
}  // namespace pefd::test
