#include "hosts.h"

#include "../../src/native/host/instruction_set.h"

namespace pefd {

// kernels.cc for vectors of 16 floats in the instructions of AVX2.
extern const Kernels wideKernels;
// amx/kernels.cc and int16/kernels.cc with loops in the place of units and products of pairs, in the instructions of AVX2.
extern const ConvolutionKernels *const loopKernels;
extern const ConvolutionKernels *const integerLoopKernels;
// narrow.cc of both in the same way.
extern const ImageKernels<Bfloat16> *const loopNarrowKernels;
extern const ImageKernels<Bfloat16> *const integerLoopNarrowKernels;

namespace test {

std::vector<KernelSet> kernelSets() {
  std::vector<KernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back({"avx2", &avx2Kernels});
    sets.push_back({"wide", &wideKernels});
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    sets.push_back({"avx512", &avx512Kernels});
  }
  return sets;
}

std::vector<ReducedKernelSet> bfloat16KernelSets() {
  std::vector<ReducedKernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back({"loops", loopKernels});
  if (hasMatrixUnits()) sets.push_back({"amx", amxKernels});
  return sets;
}

std::vector<ReducedKernelSet> integerKernelSets() {
  std::vector<ReducedKernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back({"loops", integerLoopKernels});
  if (hasPairProducts()) sets.push_back({"vnni", vnniKernels});
  return sets;
}

std::vector<NarrowKernelSet> narrowKernelSets() {
  std::vector<NarrowKernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back({"loops of matrices", loopNarrowKernels, loopKernels, &wideKernels});
    sets.push_back({"loops of whole numbers", integerLoopNarrowKernels, integerLoopKernels, &wideKernels});
  }
  if (hasMatrixUnits()) sets.push_back({"amx", amxNarrowKernels, amxKernels, &avx512Kernels});
  if (hasPairProducts() && roundsToBfloat16()) sets.push_back({"vnni", vnniNarrowKernels, vnniKernels, &avx512Kernels});
  return sets;
}

TestHost::TestHost(Pool &pool) : pool_(pool), host_{pool.workers(), parallelFor, scratch, this} {}

TestHost::TestHost(long workers, long blocks)
    : own_(new Pool(workers)), pool_(*own_), left_(blocks), host_{pool_.workers(), parallelFor, scratch, this} {}

void TestHost::parallelFor(void *self, long count, Task task, void *context) noexcept {
  static_cast<TestHost *>(self)->pool_.run(count, task, context);
}

Parts TestHost::scratch(void *self, Slot slot, long parts, long floats) noexcept {
  TestHost &host = *static_cast<TestHost *>(self);
  if (host.left_-- <= 0) return {nullptr, 0};
  host.blocks_[slot] = std::make_unique<Floats>(parts * floats);
  return {host.blocks_[slot]->data(), floats};
}

void TestHost::expectSound() const {
  for (const std::unique_ptr<Floats> &block : blocks_) {
    if (block != nullptr) block->expectMargins();
  }
}

}  // namespace test
}  // namespace pefd
