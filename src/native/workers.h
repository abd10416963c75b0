// The threads and the memory that kernels run on.
#pragma once

#include "kernels.h"

namespace pefd {

// As many threads as TensorFlow takes for one op: TF_NUM_INTRAOP_THREADS, or the processors this process may run on.
const Host &host();

// The scratch memory of one call of an op, as long as it lives: there is as much of it as ops that run at once, not as
// threads that ever ran one.
class Workspace {
 public:
  struct Memories;

  Workspace();
  ~Workspace();
  Workspace(const Workspace &) = delete;

 private:
  Memories *before_;
};

}  // namespace pefd
