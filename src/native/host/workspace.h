// Threads and scratch memory of one op.
#pragma once

#include <mutex>

#include "../kernels/kernels.h"

namespace pefd {

// Scratch memory: one block per slot, which grows on demand. The distance between parts never shrinks, so each thread's
// part keeps its address from op to op and stays in its caches.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch &) = delete;

  // Parts of at least so many floats, aligned to cache lines; null without memory.
  Parts atLeast(Slot slot, long parts, long floats) noexcept;

 private:
  friend class ScratchStore;

  struct Block {
    float *floats = nullptr;
    long size = 0, apart = 0;
  };
  Block blocks_[SLOTS];
  Scratch *later_ = nullptr;
};

// A free list of scratch memory; as many as ops ever ran at once.
class ScratchStore {
 public:
  // Null without memory.
  Scratch *take() noexcept;
  void giveBack(Scratch *scratch) noexcept;

 private:
  std::mutex mutex_;
  Scratch *unused_ = nullptr;
};

// The process's threads, with scratch memory of its own as long as this lives.
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
