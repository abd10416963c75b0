#include "workspace.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "cpus.h"
#include "thread_pool.h"

namespace pefd {
namespace {

// Bytes and floats of a cache line.
constexpr size_t LINE = 64;
constexpr long LINE_FLOATS = LINE / sizeof(float);

constexpr long wholeLines(long floats) { return (floats + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS; }

}  // namespace

Scratch::~Scratch() {
  for (Block &block : blocks_) std::free(block.floats);
}

Parts Scratch::atLeast(Slot slot, long parts, long floats) noexcept {
  Block &block = blocks_[slot];
  const long apart = std::max(block.apart, parts > 1 ? wholeLines(floats) : 0);
  const long size = parts > 1 ? parts * apart : wholeLines(floats);
  if (block.floats == nullptr || block.size < size) {
    std::free(block.floats);
    block.floats = static_cast<float *>(std::aligned_alloc(LINE, static_cast<size_t>(size) * sizeof(float)));
    block.size = block.floats == nullptr ? 0 : size;
  }
  if (block.floats != nullptr) block.apart = apart;
  return {block.floats, apart};
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

namespace {

// Never destroyed: TensorFlow's threads run until the process ends.
ThreadPool &pool() {
  static ThreadPool *const one = new ThreadPool(processThreadCount());
  return *one;
}

ScratchStore &store() {
  static ScratchStore *const one = new ScratchStore;
  return *one;
}

Scratch *takeScratch() {
  Scratch *scratch = store().take();
  if (scratch == nullptr) throw std::bad_alloc();
  return scratch;
}

void parallelFor(void *, long count, Task task, void *context) noexcept { pool().run(count, task, context); }

Parts scratch(void *self, Slot slot, long parts, long floats) noexcept {
  return static_cast<Scratch *>(self)->atLeast(slot, parts, floats);
}

}  // namespace

Workspace::Workspace() : scratch_(takeScratch()), host_{pool().workers(), parallelFor, scratch, scratch_} {}

Workspace::~Workspace() { store().giveBack(scratch_); }

}  // namespace pefd
