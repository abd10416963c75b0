// Kernels that run short of memory say so and write nothing.
#pragma once

#include <functional>
#include <string>

#include "../cases.h"
#include "convolutions.h"

namespace pefd::test {

// Runs a kernel with no block of scratch memory, with one, and so on until it has what it needs.
// @throws std::runtime_error where it never has, or wrote before it had
void checkShortage(long count, const std::function<Outcome(const Host &, float *)> &run);

// Cases of a convolution and its gradients; the kernels must outlive them.
void addShortages(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                  const ConvolutionKernels &kernels);

}  // namespace pefd::test
