// Convolutions as implicit GEMMs on AMX tiles in bfloat16, for float32 activations, or bfloat16 ones with
// PEFD_BFLOAT16_ACTIVATIONS. Without PEFD_AMX plain loops replace the instructions, which the assembler must know
// otherwise.
#include "../export.h"

#if !defined(PEFD_AMX) || __GNUC__ >= 10

#include "forward.h"
#include "wgrad.h"

namespace pefd {
namespace {

template <typename Number>
constexpr ConvolutionKernelsOf<Number> amxConvolutions{amxForward<Number>, amxInputGradient<Number>,
                                                       amxFilterGradient<Number>};

}  // namespace
}  // namespace pefd

PEFD_EXPORT(amxConvolutions)

#else

PEFD_EXPORT_NONE

#endif
