// Convolutions joined with what follows them: the bits of one operation after the other.
#pragma once

#include <string>

#include "../cases.h"
#include "convolutions.h"

namespace pefd::test {

// Cases of a convolution and its gradient with all that may follow; the kernels must outlive them.
void addEpilogues(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                  const ConvolutionKernels &kernels);

}  // namespace pefd::test
