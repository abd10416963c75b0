// Convolutions under test, with random operands.
#pragma once

#include <string>
#include <vector>

#include "../../../src/native/kernels/kernels.h"
#include "../numbers.h"

namespace pefd::test {

// Every size with 3x3 and 1x1, stride 1 and 2; and grouped 1x1.
std::vector<Convolution> convolutions();

std::string nameOf(const Convolution &conv);

// Images, a filter and output gradients.
struct Operands {
  explicit Operands(const Convolution &conv);

  Floats x, filter, dy;
};

}  // namespace pefd::test
