// A convolution's three kernels, to be tried one like the other.
#pragma once

#include <functional>
#include <vector>

#include "convolutions.h"

namespace pefd::test {

// One of the three kernels on some operands.
struct Pass {
  const char *name;
  std::function<long(const Convolution &)> size;
  std::function<std::vector<double>(const Convolution &, const Operands &)> naive;
  std::function<Outcome(const ConvolutionKernels &, const Host &, const Convolution &, const Operands &, float *)> run;
};

const std::vector<Pass> &passes();

}  // namespace pefd::test
