// Convolutions that are tried, with numbers for them.
#pragma once

#include <string>
#include <vector>

#include "../../../src/native/kernels/kernels.h"
#include "../numbers.h"

namespace pefd::test {

// Every size with every geometry: 3x3 and 1x1, stride 1 and 2; and 1x1 with any channels, in groups.
std::vector<Convolution> convolutions();

std::string nameOf(const Convolution &conv);

// Images, a filter and the gradient of the results.
struct Operands {
  explicit Operands(const Convolution &conv);

  Floats x, filter, dy;
};

}  // namespace pefd::test
