// PEFD_EXPORT(convolutions) defines the pointer KERNELS to reduced-precision kernels: with PEFD_BFLOAT16_ACTIVATIONS to
// those for bfloat16 activations. PEFD_EXPORT_NONE makes it null, where the compiler does not know the instructions.
#pragma once

#include "kernels.h"

#if defined(PEFD_BFLOAT16_ACTIVATIONS)

#include "batch_norm.h"
#include "elementwise.h"
#include "stem.h"

#define PEFD_KERNELS ImageKernels<Bfloat16>
#define PEFD_EXPORT(CONVOLUTIONS)                                                            \
  namespace pefd {                                                                           \
  namespace {                                                                                \
  constexpr ImageKernels<Bfloat16> ALL{CONVOLUTIONS<Bfloat16>,       stemForward<Bfloat16>,  \
                                       stemFilterGradient<Bfloat16>, batchNorm<Bfloat16>,    \
                                       batchNormGradient<Bfloat16>,  elementwise<Bfloat16>}; \
  }                                                                                          \
  }                                                                                          \
  PEFD_EXPORT_POINTER(&ALL)

#else

#define PEFD_KERNELS ConvolutionKernels
#define PEFD_EXPORT(CONVOLUTIONS) PEFD_EXPORT_POINTER(&CONVOLUTIONS<float>)

#endif

#define PEFD_EXPORT_NONE PEFD_EXPORT_POINTER(nullptr)
#define PEFD_EXPORT_POINTER(POINTER)           \
  namespace pefd {                             \
  extern const PEFD_KERNELS *const KERNELS;    \
  const PEFD_KERNELS *const KERNELS = POINTER; \
  }
