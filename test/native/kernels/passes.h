// Forward, dgrad and wgrad of a convolution, under one interface.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "convolutions.h"

namespace pefd::test {

struct Pass {
  const char *name;
  std::function<long(const Convolution &)> size;
  std::function<std::vector<double>(const Convolution &, const Operands &)> naive;
  std::function<Outcome(const ConvolutionKernels &, const Host &, const Convolution &, const Operands &, float *)> run;
};

const std::vector<Pass> &passes();

// Expected exactness of kernels.
struct Exactness {
  // Rounds operands as the kernels do; null if they are not rounded.
  void (*prepare)(Operands &) = nullptr;
  // The largest error relative to the root mean square.
  double tolerance = ROUNDING;
};

// Runs a pass. Its result must have the bits of `first`; if that is empty, it must be close to the reference on
// prepared operands, and becomes the first.
// @throws std::runtime_error if it does not, without memory, or if a margin was written
void checkPass(const Pass &pass, const ConvolutionKernels &kernels, const Convolution &conv, long workers,
               const Exactness &exactness, std::unique_ptr<Floats> &first);

// "2 threads".
std::string threadsText(long workers);

}  // namespace pefd::test
