// A convolution's three kernels, to be tried one like the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
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

// What kernels compute as it ought to be.
struct Exactness {
  // Does to operands beforehand what kernels do to them; null where they multiply them as they are.
  void (*prepare)(Operands &) = nullptr;
  // The largest error, by the root mean square of what is expected.
  double tolerance = ROUNDING;
};

// Runs a pass with some threads. Its result must have the bits of `first`; where that is empty still, it must be close
// to what plain loops make of operands that are prepared, and becomes the first.
// @throws std::runtime_error where it does not, where memory was short, or where a margin was written
void checkPass(const Pass &pass, const ConvolutionKernels &kernels, const Convolution &conv, long workers,
               const Exactness &exactness, std::unique_ptr<Floats> &first);

// "2 threads".
std::string threadsText(long workers);

}  // namespace pefd::test
