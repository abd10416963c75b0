// How a file offers its kernels: as a pointer to them by the name that KERNELS says, which is null where the compiler did not
// know their instructions.
#pragma once

#define PEFD_EXPORT(TYPE, POINTER)        \
  namespace pefd {                        \
  extern const TYPE *const KERNELS;       \
  const TYPE *const KERNELS = POINTER;    \
  }
