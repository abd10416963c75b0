#include "workspace.h"

#include <new>

#include "pool.h"
#include "processors.h"

namespace pefd {
namespace {

// Neither is ever destroyed: TensorFlow's threads run until the process ends.
Pool &pool() {
  static Pool *const one = new Pool(threadsOfProcess());
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
