// What the ops of all convolutions begin with.
#pragma once

#include "../../host/instruction_set.h"
#include "../../host/workspace.h"
#include "../op.h"

namespace pefd {

inline Geometry geometryOfNode(const Attributes &attributes) {
  return geometryOf({attributes.integers("strides"), attributes.integers("dilations"),
                     attributes.integers("explicit_paddings"), attributes.text("padding")});
}

inline const Kernels &kernels() { return *instructionSet().kernels; }

// An input of the shape that a convolution's images or results have.
inline Tensor imageOf(const Call &call, int index, const Shape &shape) {
  Tensor image = call.input(index);
  require(shapeOf(image) == shape, "Images must have the channels of the filter and the sizes of the result.");
  return image;
}

}  // namespace pefd
