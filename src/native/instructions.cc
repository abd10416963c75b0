#include "instructions.h"

#include <cstdlib>
#include <string>

namespace pefd {
namespace {

// What PEFD_CONVOLUTIONS says when TensorFlow's own are to be taken.
const char *const THEIRS = "tensorflow";

}  // namespace

const Instructions &instructions() {
  static const Instructions best = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq");
    const Instructions all[] = {{"avx512", avx512, &avx512Kernels}, {"avx2", avx2, &avx2Kernels}};
    const char *variable = std::getenv("PEFD_CONVOLUTIONS");
    const std::string asked = variable == nullptr ? "" : variable;
    bool known = asked.empty() || asked == THEIRS;
    for (const Instructions &one : all) {
      known = known || asked == one.name;
      if (one.supported && (asked.empty() || asked == one.name)) return one;
    }
    return Instructions{known ? "none" : "unknown", false, nullptr};
  }();
  return best;
}

}  // namespace pefd
