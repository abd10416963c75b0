// What images in bfloat16 go through: convolutions in whole numbers, batch normalisation and elementwise arithmetic; KERNELS
// is the name of a pointer to them. With PEFD_VNNI and PEFD_BFLOAT16 they use the processor's instructions for pairs and for
// rounding, if the compiler is new enough for an assembler that knows them; if not, it is a null pointer. Without, loops stand
// in their place.
#include "kernels.h"

#if !defined(PEFD_BFLOAT16) || __GNUC__ >= 10

#include "batch_norm.h"
#include "elementwise.h"
#include "int16/convolutions.h"

namespace pefd {
namespace {

constexpr ImageKernels<Bfloat16> ALL{convolutionsInWholeNumbers<Bfloat16>, batchNorm<Bfloat16>,
                                     batchNormGradient<Bfloat16>, elementwise<Bfloat16>};

}  // namespace

extern const ImageKernels<Bfloat16> *const KERNELS;
const ImageKernels<Bfloat16> *const KERNELS = &ALL;

}  // namespace pefd

#else

namespace pefd {

extern const ImageKernels<Bfloat16> *const KERNELS;
const ImageKernels<Bfloat16> *const KERNELS = nullptr;

}  // namespace pefd

#endif
