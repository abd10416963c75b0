// The host of kernels under test: the library's threads, and guarded scratch memory.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "../../src/native/host/thread_pool.h"
#include "../../src/native/kernels/kernels.h"
#include "numbers.h"

namespace pefd::test {

struct KernelSet {
  const char *name;
  const Kernels *kernels;
};

// The sets that this CPU can run. "wide" is the AVX-512 code compiled to AVX2.
std::vector<KernelSet> kernelSets();

// Reduced-precision convolutions.
struct ReducedKernelSet {
  const char *name;
  const ConvolutionKernels *kernels;
};

// The sets that this CPU can run. "loops" replaces AMX or VNNI instructions with loops.
std::vector<ReducedKernelSet> amxKernelSets();
std::vector<ReducedKernelSet> int16KernelSets();

// Kernels for bfloat16 activations, and those for float32 activations that they must match.
struct Bfloat16KernelSet {
  const char *name;
  const ImageKernels<Bfloat16> *bfloat16;
  const ConvolutionKernels *convolutions;
  const Kernels *others;
};

std::vector<Bfloat16KernelSet> bfloat16KernelSets();

// Scratch memory is new every time, guarded, and filled with NaN.
class TestHost {
 public:
  explicit TestHost(ThreadPool &pool);
  // With its own pool. `blocks`: blocks of scratch memory before it runs out.
  explicit TestHost(long workers, long blocks = std::numeric_limits<long>::max());

  const Host &host() const { return host_; }

  // @throws std::runtime_error if a margin of scratch memory was written
  void expectSound() const;

 private:
  static void parallelFor(void *self, long count, Task task, void *context) noexcept;
  static Parts scratch(void *self, Slot slot, long parts, long floats) noexcept;

  const std::unique_ptr<ThreadPool> own_;
  ThreadPool &pool_;
  std::unique_ptr<Floats> blocks_[SLOTS];
  long left_ = std::numeric_limits<long>::max();
  const Host host_;
};

// The most threads under test.
constexpr long MAX_WORKERS = 5;

// Numbers of threads under test: fewer with a sanitizer, which slows cases down tenfold and tells nothing new of one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long WORKERS[] = {2, MAX_WORKERS};
constexpr long FEW_WORKERS[] = {2, MAX_WORKERS};
#else
constexpr long WORKERS[] = {1, 2, 3, 4, MAX_WORKERS};
constexpr long FEW_WORKERS[] = {1, 2, MAX_WORKERS};
#endif

}  // namespace pefd::test
