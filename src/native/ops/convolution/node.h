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

// What every convolution of TensorFlow's has for attributes, besides the type of its images.
inline const std::vector<const char *> ATTRIBUTES = {"strides: list(int)",
                                                     "padding: {'SAME', 'VALID', 'EXPLICIT'}",
                                                     "explicit_paddings: list(int) = []",
                                                     "data_format: {'NHWC'} = 'NHWC'",
                                                     "dilations: list(int) = [1, 1, 1, 1]"};

// An op of a convolution: what it computes of what a node is told and its inputs.
template <typename Node, Node (*make)(const Attributes &), void (*run)(const Node &, const Call &)>
Op nodeOp(const char *name, std::vector<const char *> attributes, std::vector<const char *> inputs,
          void (*shape)(TF_ShapeInferenceContext *, TF_Status *), const char *output = "output: T") {
  return {name,
          std::move(attributes),
          std::move(inputs),
          {output},
          shape,
          createNode<Node, make>,
          computeNode<Node, run>,
          removeNode<Node>};
}

// An input of the shape that a convolution's images or results have.
inline Tensor imageOf(const Call &call, int index, const Shape &shape) {
  Tensor image = call.input(index);
  require(shapeOf(image) == shape, "Images must have the channels of the filter and the sizes of the result.");
  return image;
}

}  // namespace pefd
