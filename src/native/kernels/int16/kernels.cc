// Convolutions whose products are made of whole numbers of 16 bits. With PEFD_VNNI they use the processor's instruction for
// that, if the compiler is new enough for an assembler that knows it. Without PEFD_VNNI plain loops stand in its place.
#include "../exported.h"

#if !defined(PEFD_VNNI) || __GNUC__ >= 8

#include "convolutions.h"

PEFD_EXPORT(ConvolutionKernels, &convolutionsInWholeNumbers<float>)

#else

#include "../kernels.h"

PEFD_EXPORT(ConvolutionKernels, nullptr)

#endif
