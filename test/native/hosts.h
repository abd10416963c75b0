// What the kernels run on in these tests: the library's own threads, and scratch memory that notices mistakes.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "../../src/native/host/pool.h"
#include "../../src/native/kernels/kernels.h"
#include "numbers.h"

namespace pefd::test {

// Kernels of one instruction set.
struct KernelSet {
  const char *name;
  const Kernels *kernels;
};

// Those that this processor can run. "wide" is the code for AVX-512 in the instructions of AVX2.
std::vector<KernelSet> kernelSets();

// Convolutions with products of 16 bits.
struct ReducedKernelSet {
  const char *name;
  const ConvolutionKernels *kernels;
};

// Those in bfloat16, and in whole numbers, that this processor can run. "loops" is their code with loops in the place of what
// the processor has for them.
std::vector<ReducedKernelSet> bfloat16KernelSets();
std::vector<ReducedKernelSet> integerKernelSets();

// Kernels for images in bfloat16, and those for images in float32 that do the same.
struct NarrowKernelSet {
  const char *name;
  const ImageKernels<Bfloat16> *narrow;
  const ConvolutionKernels *convolutions;
  const Kernels *others;
};

std::vector<NarrowKernelSet> narrowKernelSets();

// Scratch memory is new every time, with margins, and full of a NaN.
class TestHost {
 public:
  explicit TestHost(Pool &pool);
  // With a pool of its own. `blocks`: how many blocks of scratch memory there are before memory is short.
  explicit TestHost(long workers, long blocks = std::numeric_limits<long>::max());

  const Host &host() const { return host_; }

  // @throws std::runtime_error where a margin of scratch memory was written
  void expectSound() const;

 private:
  static void parallelFor(void *self, long count, Task task, void *context) noexcept;
  static Parts scratch(void *self, Slot slot, long parts, long floats) noexcept;

  const std::unique_ptr<Pool> own_;
  Pool &pool_;
  std::unique_ptr<Floats> blocks_[SLOTS];
  long left_ = std::numeric_limits<long>::max();
  const Host host_;
};

// The most threads that are tried.
constexpr long MOST_WORKERS = 5;

}  // namespace pefd::test
