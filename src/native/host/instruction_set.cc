#include "instruction_set.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace pefd {
namespace {

// The value of PEFD_CONVOLUTIONS that selects oneDNN.
const char *const TENSORFLOW = "tensorflow";

bool equal(const char *a, const char *b) { return std::strcmp(a, b) == 0; }

InstructionSet choose() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq");
  const struct {
    InstructionSet set;
    bool isSupported;
  } all[] = {{{"avx512", &avx512Kernels}, avx512}, {{"avx2", &avx2Kernels}, avx2}};
  const char *variable = std::getenv("PEFD_CONVOLUTIONS");
  const char *requested = variable == nullptr ? "" : variable;
  bool isKnown = equal(requested, "") || equal(requested, TENSORFLOW);
  for (const auto &[set, isSupported] : all) {
    const bool isRequested = equal(requested, set.name);
    isKnown = isKnown || isRequested;
    if (isSupported && (isRequested || equal(requested, ""))) return set;
  }
  return {isKnown ? "none" : "unknown", nullptr};
}

bool isAvx512() { return instructionSet().kernels == &avx512Kernels; }

// Requests permission to use AMX tiles from Linux.
bool requestTiles() {
  constexpr long REQUEST = 0x1023, TILE_DATA = 18;
  return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

}  // namespace

bool hasAvx512Bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

bool hasAmx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool hasTiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
  return hasTiles && hasAvx512Bf16() && isAvx512() && amxKernels != nullptr && requestTiles();
}

// With AVX-512 BW.
bool hasVnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 30 & 1) && (c >> 11 & 1);
  return has && isAvx512() && vnniKernels != nullptr;
}

const ReducedPrecision &reducedPrecision() {
  static const ReducedPrecision best =
      hasAmx()    ? ReducedPrecision{"AMX", amxKernels, amxBfloat16Kernels}
      : hasVnni() ? ReducedPrecision{"VNNI", vnniKernels, hasAvx512Bf16() ? vnniBfloat16Kernels : nullptr}
                  : ReducedPrecision{"", nullptr, nullptr};
  return best;
}

const InstructionSet &instructionSet() {
  static const InstructionSet best = choose();
  return best;
}

}  // namespace pefd
