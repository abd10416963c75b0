// The same for images in bfloat16, with what else those go through; with PEFD_BFLOAT16 numbers are rounded by the processor's
// instruction for that.
#include "../exported.h"

#if !defined(PEFD_AMX) || __GNUC__ >= 10

#include "../narrow.h"
#include "convolutions.h"

namespace pefd {
namespace {

constexpr ImageKernels<Bfloat16> ALL = narrowed(convolutionsInBfloat16<Bfloat16>);

}  // namespace
}  // namespace pefd

PEFD_EXPORT(ImageKernels<Bfloat16>, &ALL)

#else

#include "../kernels.h"

PEFD_EXPORT(ImageKernels<Bfloat16>, nullptr)

#endif
