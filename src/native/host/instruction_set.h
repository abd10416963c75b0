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

// Whether the processor has products of matrices of bfloat16 that the system grants (AMX), and products of pairs of 16 bits
// (AVX-512 VNNI), and whether our compiler knew them; and whether it rounds to bfloat16 (AVX-512 BF16).
bool hasMatrixUnits();
bool hasPairProducts();
bool roundsToBfloat16();

struct ReducedProducts {
  // What of the processor makes them: "AMX", "VNNI"; "" where there is nothing faster than products of float32.
  const char *name;
  const ConvolutionKernels *kernels;
  // The same of images in bfloat16; a null pointer where images stay in float32.
  const ImageKernels<Bfloat16> *narrow;
};

// Convolutions with products of 16 bits; without kernels where the processor has nothing for them, where the system does not
// grant it, or where another instruction set is asked for.
const ReducedProducts &reducedProducts();

}  // namespace pefd
