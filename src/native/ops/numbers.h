// What an op's images are made of: floats, or numbers in bfloat16, as its attribute T says.
#pragma once

#include <type_traits>

#include "../host/instruction_set.h"
#include "attributes.h"
#include "call.h"

namespace pefd {

inline const char *const NUMBERS = "T: {float, bfloat16}";

// Whether they are in bfloat16.
// @throws std::invalid_argument where this processor has no kernels for that
inline bool areNarrow(const Attributes &attributes) {
  const bool areNarrow = attributes.type("T") == TF_BFLOAT16;
  require(!areNarrow || reducedProducts().narrow != nullptr, "On this processor images stay in float32.");
  return areNarrow;
}

// The kernels for images of such numbers.
template <typename Number>
const ImageKernels<Number> &imageKernels() {
  if constexpr (std::is_same<Number, float>::value) {
    return *instructionSet().kernels;
  } else {
    return *reducedProducts().narrow;
  }
}

// Runs some work on the images that a node, which says whether they are narrow, is called with.
template <typename Work, typename Node>
void onImages(const Node &node, const Call &call) {
  node.isNarrow ? Work::template run<Bfloat16>(node, call) : Work::template run<float>(node, call);
}

}  // namespace pefd
