#include "scratch.h"

#include <cstdlib>
#include <new>

namespace pefd {
namespace {

// Bytes of a line of the cache.
constexpr size_t LINE = 64;

constexpr size_t wholeLines(size_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

}  // namespace

Scratch::~Scratch() {
  for (Block &block : blocks_) std::free(block.floats);
}

float *Scratch::atLeast(Slot slot, long floats) noexcept {
  Block &block = blocks_[slot];
  if (block.floats == nullptr || block.size < floats) {
    std::free(block.floats);
    const size_t bytes = wholeLines(static_cast<size_t>(floats) * sizeof(float));
    block.floats = static_cast<float *>(std::aligned_alloc(LINE, bytes));
    block.size = block.floats == nullptr ? 0 : floats;
  }
  return block.floats;
}

Scratch *ScratchStore::take() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (unused_ == nullptr) return new (std::nothrow) Scratch;
  Scratch *scratch = unused_;
  unused_ = scratch->later_;
  return scratch;
}

void ScratchStore::giveBack(Scratch *scratch) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  scratch->later_ = unused_;
  unused_ = scratch;
}

}  // namespace pefd
