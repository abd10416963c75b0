// Fused epilogues: the bits of the unfused ops.
#pragma once

#include <string>

#include "../cases.h"
#include "convolutions.h"

namespace pefd::test {

// Cases of a convolution and its dgrad with all epilogues; the kernels must outlive them.
void addEpilogues(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                  const ConvolutionKernels &kernels);

}  // namespace pefd::test
