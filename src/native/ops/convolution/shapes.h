// Shapes of convolutions' results while a graph is made. TensorFlow's C API tells no strides then and no values of
// inputs, so height and width are known only where an input has them, too.
#pragma once

#include "../inference.h"

namespace pefd {

// All throw std::invalid_argument or StatusIsSet where the inputs' shapes do not fit.

// Inputs: images, filter, and maybe a bias and an image of the result's shape.
void forwardShape(const Inference &inference);

// Inputs: sizes, filter, gradient of the result, and maybe images of the result's shape.
void inputGradientShape(const Inference &inference);

// Inputs: images, sizes, gradient of the result.
void filterGradientShape(const Inference &inference);

// The same of depthwise convolutions.
void depthwiseShape(const Inference &inference);
void depthwiseInputGradientShape(const Inference &inference);
void depthwiseFilterGradientShape(const Inference &inference);

}  // namespace pefd
