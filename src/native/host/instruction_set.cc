#include "instruction_set.h"

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

}  // namespace

const InstructionSet &instructionSet() {
  static const InstructionSet best = choose();
  return best;
}

}  // namespace pefd
