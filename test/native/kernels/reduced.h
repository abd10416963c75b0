// Convolutions in reduced precision (AMX or int16).
#pragma once

#include <string>

#include "../cases.h"
#include "../test_host.h"
#include "passes.h"

namespace pefd::test {

// Exactness, the same bits for any number of threads, epilogues, out of memory.
void addReduced(Cases &cases, const std::string &name, const ReducedKernelSet &set, const Exactness &exactness);

}  // namespace pefd::test
