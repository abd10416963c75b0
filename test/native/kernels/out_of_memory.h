// Kernels out of memory return an error and write nothing.
#pragma once

#include <functional>
#include <string>

#include "../cases.h"
#include "convolutions.h"

namespace pefd::test {

// Runs a kernel with no block of scratch memory, with one, and so on until it succeeds.
// @throws std::runtime_error if it never does, or wrote before
void checkOutOfMemory(long count, const std::function<Outcome(const Host &, float *)> &run);

// Cases of a convolution, dgrad and wgrad; the kernels must outlive them.
void addOutOfMemory(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                    const ConvolutionKernels &kernels);

}  // namespace pefd::test
