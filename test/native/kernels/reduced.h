// Convolutions with products of 16 bits, whatever makes them.
#pragma once

#include <string>

#include "../cases.h"
#include "../hosts.h"
#include "passes.h"

namespace pefd::test {

// All that is asked of them: as exact as is said, the same bits for any number of threads, what follows them, short memory.
void addReduced(Cases &cases, const std::string &name, const ReducedKernelSet &set, const Exactness &exactness);

}  // namespace pefd::test
