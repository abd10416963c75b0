// Convolutions whose products are made of whole numbers of 16 bits; KERNELS is the name of a pointer to them. With PEFD_VNNI
// they use the processor's instruction for that, if the compiler is new enough for an assembler that knows it; if not, it is
// a null pointer. Without PEFD_VNNI plain loops stand in its place.
#include "../kernels.h"

#if !defined(PEFD_VNNI) || __GNUC__ >= 8

#include "convolutions.h"

namespace pefd {
namespace {

constexpr ConvolutionKernels ALL = convolutionsInWholeNumbers<float>;

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
