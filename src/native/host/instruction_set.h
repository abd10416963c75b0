// ISA dispatch: the kernels for this CPU.
#pragma once

#include "../kernels/kernels.h"

namespace pefd {

struct InstructionSet {
  // "none" without kernels, "unknown" for an unknown value of PEFD_CONVOLUTIONS.
  const char *name;
  const Kernels *kernels;
};

// The best that the CPU supports, or PEFD_CONVOLUTIONS; kernels are null if there are none.
const InstructionSet &instructionSet();

// Whether the CPU has AMX-BF16, granted by the OS, AVX-512 VNNI, and AVX512-BF16, and the compiler knew the
// instructions.
bool hasAmx();
bool hasVnni();
bool hasAvx512Bf16();

struct ReducedPrecision {
  // "AMX", "VNNI", or "" where nothing is faster than float32.
  const char *name;
  const ConvolutionKernels *kernels;
  // The kernels for bfloat16 activations; null if activations stay float32.
  const ImageKernels<Bfloat16> *bfloat16;
};

// Reduced-precision convolutions; kernels are null without AMX and VNNI, or if PEFD_CONVOLUTIONS selects another
// instruction set.
const ReducedPrecision &reducedPrecision();

}  // namespace pefd
