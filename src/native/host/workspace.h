// What one call of an op runs on.
#pragma once

#include "../kernels/kernels.h"
#include "scratch.h"

namespace pefd {

// The process's threads, with scratch memory that belongs to one call as long as this lives.
class Workspace {
 public:
  // @throws std::bad_alloc
  Workspace();
  ~Workspace();
  Workspace(const Workspace &) = delete;

  const Host &host() const { return host_; }

 private:
  Scratch *const scratch_;
  const Host host_;
};

}  // namespace pefd
