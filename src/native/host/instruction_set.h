// Which instruction set the kernels run on.
#pragma once

#include "../kernels/kernels.h"

namespace pefd {

struct InstructionSet {
  // "none" where there are no kernels; "unknown" where PEFD_CONVOLUTIONS is no word of ours.
  const char *name;
  const Kernels *kernels;
};

// The best that the processor has, or what PEFD_CONVOLUTIONS names; without kernels where there is none.
const InstructionSet &instructionSet();

}  // namespace pefd
