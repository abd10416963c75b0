// The three passes of a 3x3 convolution by Winograd's algorithm, and elementwise arithmetic. Compiled once per
// instruction set; KERNELS is the name of the result.
#include "kernels.h"

#include "elementwise.h"
#include "filter_gradient.h"
#include "forward.h"

namespace pefd {

const Kernels KERNELS{forward<4>, inputGradient<4>, filterGradient<4>, elementwise};

}  // namespace pefd
