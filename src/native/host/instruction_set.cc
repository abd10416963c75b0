#include "instruction_set.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace pefd {
namespace {

// What PEFD_CONVOLUTIONS says when TensorFlow's own are to be taken.
const char *const THEIRS = "tensorflow";

bool is(const char *word, const char *other) { return std::strcmp(word, other) == 0; }

InstructionSet choose() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq");
  const struct {
    InstructionSet set;
    bool isSupported;
  } all[] = {{{"avx512", &avx512Kernels}, avx512}, {{"avx2", &avx2Kernels}, avx2}};
  const char *variable = std::getenv("PEFD_CONVOLUTIONS");
  const char *asked = variable == nullptr ? "" : variable;
  bool isKnown = is(asked, "") || is(asked, THEIRS);
  for (const auto &[set, isSupported] : all) {
    const bool isAsked = is(asked, set.name);
    isKnown = isKnown || isAsked;
    if (isSupported && (isAsked || is(asked, ""))) return set;
  }
  return {isKnown ? "none" : "unknown", nullptr};
}

bool isAvx512() { return instructionSet().kernels == &avx512Kernels; }

// Asks the system for the tiles' registers, which Linux gives to a process for the asking.
bool isGranted() {
  constexpr long REQUEST = 0x1023, TILE_DATA = 18;
  return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

}  // namespace

// Conversions of vectors to bfloat16.
bool roundsToBfloat16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

// Tiles, products of bfloat16 in them, and conversions to bfloat16.
bool hasMatrixUnits() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool hasTiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
  return hasTiles && roundsToBfloat16() && isAvx512() && amxKernels != nullptr && isGranted();
}

// Products of pairs, and the vectors of 16 bits that go with them.
bool hasPairProducts() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 30 & 1) && (c >> 11 & 1);
  return has && isAvx512() && vnniKernels != nullptr;
}

const ReducedProducts &reducedProducts() {
  static const ReducedProducts best =
      hasMatrixUnits()    ? ReducedProducts{"AMX", amxKernels, amxNarrowKernels}
      : hasPairProducts() ? ReducedProducts{"VNNI", vnniKernels, roundsToBfloat16() ? vnniNarrowKernels : nullptr}
                          : ReducedProducts{"", nullptr, nullptr};
  return best;
}

const InstructionSet &instructionSet() {
  static const InstructionSet best = choose();
  return best;
}

}  // namespace pefd
