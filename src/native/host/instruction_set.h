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

// Convolutions by the processor's units for matrices of bfloat16; a null pointer where it has none, where the system does
// not grant them, or where another instruction set is asked for.
const ConvolutionKernels *matrixKernels();

}  // namespace pefd
