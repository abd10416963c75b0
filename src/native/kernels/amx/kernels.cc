// Convolutions whose products are made in bfloat16 by the processor's units for matrices, which they use with PEFD_AMX, if the
// compiler is new enough for an assembler that knows them. Without PEFD_AMX plain loops stand in their place.
#include "../exported.h"

#if !defined(PEFD_AMX) || __GNUC__ >= 10

#include "convolutions.h"

PEFD_EXPORT(ConvolutionKernels, &convolutionsInBfloat16<float>)

#else

#include "../kernels.h"

PEFD_EXPORT(ConvolutionKernels, nullptr)

#endif
