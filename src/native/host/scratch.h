// Memory that kernels work in.
#pragma once

#include <mutex>

#include "../kernels/kernels.h"

namespace pefd {

// The scratch memory of one call of an op: one block per slot, which grows with what is asked for. Parts of a slot lie as far
// apart as they ever had to: so a thread works, op after op, in memory that its own caches hold.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch &) = delete;

  // So many parts of at least that many floats, each from a line of the cache on; a null pointer where there is no memory.
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

// Scratch memory that no op is using. There is as much of it as ops that ever ran at once.
class ScratchStore {
 public:
  // A null pointer where there is no memory.
  Scratch *take() noexcept;
  void giveBack(Scratch *scratch) noexcept;

 private:
  std::mutex mutex_;
  Scratch *unused_ = nullptr;
};

}  // namespace pefd
