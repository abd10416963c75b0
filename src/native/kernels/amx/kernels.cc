// Convolutions whose products are made in bfloat16 by the processor's units for matrices; KERNELS is the name of a
// pointer to them. With PEFD_AMX they use the units, if the compiler is new enough for an assembler that knows them; if
// not, it is a null pointer. Without PEFD_AMX plain loops stand in their place.
#include "../kernels.h"

#if !defined(PEFD_AMX) || __GNUC__ >= 10

#include "convolve.h"
#include "filter_gradient.h"

namespace pefd {
namespace {

constexpr ConvolutionKernels ALL{amxForward, amxInputGradient, amxFilterGradient};

}  // namespace

extern const ConvolutionKernels *const KERNELS;
const ConvolutionKernels *const KERNELS = &ALL;

}  // namespace pefd

#else

namespace pefd {

extern const ConvolutionKernels *const KERNELS;
const ConvolutionKernels *const KERNELS = nullptr;

}  // namespace pefd

#endif
