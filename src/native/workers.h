// The threads and the memory that kernels run on.
#pragma once

#include "kernels.h"

namespace pefd {

// As many threads as TensorFlow takes for one op: TF_NUM_INTRAOP_THREADS, or the processors this process may run on.
const Host &host();

}  // namespace pefd
