#include "test_host.h"

#include "../../src/native/host/instruction_set.h"

namespace pefd {

// kernels.cc with vectors of 16 floats, compiled to AVX2.
extern const Kernels wideKernels;
// amx/kernels.cc and int16/kernels.cc with loops instead of AMX and VNNI, compiled to AVX2.
extern const ConvolutionKernels *const amxLoopKernels;
extern const ConvolutionKernels *const int16LoopKernels;
extern const ImageKernels<Bfloat16> *const amxLoopBfloat16Kernels;
extern const ImageKernels<Bfloat16> *const int16LoopBfloat16Kernels;

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

std::vector<ReducedKernelSet> amxKernelSets() {
  std::vector<ReducedKernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back({"loops", amxLoopKernels});
  if (hasAmx()) sets.push_back({"amx", amxKernels});
  return sets;
}

std::vector<ReducedKernelSet> int16KernelSets() {
  std::vector<ReducedKernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back({"loops", int16LoopKernels});
  if (hasVnni()) sets.push_back({"vnni", vnniKernels});
  return sets;
}

std::vector<Bfloat16KernelSet> bfloat16KernelSets() {
  std::vector<Bfloat16KernelSet> sets;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back({"AMX loops", amxLoopBfloat16Kernels, amxLoopKernels, &wideKernels});
    sets.push_back({"int16 loops", int16LoopBfloat16Kernels, int16LoopKernels, &wideKernels});
  }
  if (hasAmx()) sets.push_back({"amx", amxBfloat16Kernels, amxKernels, &avx512Kernels});
  if (hasVnni() && hasAvx512Bf16()) sets.push_back({"vnni", vnniBfloat16Kernels, vnniKernels, &avx512Kernels});
  return sets;
}

TestHost::TestHost(ThreadPool &pool) : pool_(pool), host_{pool.workers(), parallelFor, scratch, this} {}

TestHost::TestHost(long workers, long blocks)
    : own_(new ThreadPool(workers)), pool_(*own_), left_(blocks), host_{pool_.workers(), parallelFor, scratch, this} {}

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
