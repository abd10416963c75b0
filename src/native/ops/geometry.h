// Which convolutions the ops compute. Nothing here knows TensorFlow, so that it can be tested without.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../kernels/kernels.h"

namespace pefd {

using Shape = std::vector<int64_t>;

// The attributes of a node that tell a convolution's geometry, as TensorFlow's Conv2D has them.
struct ConvolutionAttributes {
  std::vector<int64_t> strides, dilations, explicitPaddings;
  std::string padding;
};

// What they come to. A filter's size is known when it comes, and padding has to be right for it: PyTorch's, as many
// pixels on all sides as keep height and width at stride 1.
struct Geometry {
  long stride;
  bool serves3x3, serves1x1;
};

// @throws std::invalid_argument where the kernels serve no filter with those attributes
Geometry geometryOf(const ConvolutionAttributes &attributes);

// The convolution of images [N, H, W, groups * I] with a filter [kernel, kernel, I, O].
// @throws std::invalid_argument where the kernels do not serve it
Convolution convolutionOf(const Geometry &geometry, const Shape &images, const Shape &filter);

// Whether it is the first one of a model, whose images have fewer channels than a vector has places (kernels/stem.h).
bool isStem(const Convolution &conv);

Shape imagesOf(const Convolution &conv);
Shape filterOf(const Convolution &conv);
Shape resultsOf(const Convolution &conv);

// The depthwise convolution of images [N, H, W, C] with a filter [3, 3, C, 1].
// @throws std::invalid_argument where the kernels do not serve it
Depthwise depthwiseOf(const Geometry &geometry, const Shape &images, const Shape &filter);

Shape imagesOf(const Depthwise &conv);
Shape filterOf(const Depthwise &conv);
Shape resultsOf(const Depthwise &conv);

// The normalisation of images [N, H, W, C] with some vectors [C].
// @throws std::invalid_argument where they do not fit, or are empty
Normalization normalizationOf(const Shape &images, const std::vector<Shape> &vectors);

// The matrices of the two last axes of a shape, which a permutation exchanges.
// @throws std::invalid_argument where it moves anything else
Matrices lastAxesOf(const Shape &shape, const Shape &permutation);

// The shape with its two last axes exchanged.
Shape swapped(const Shape &shape);

// @throws std::invalid_argument with the sentence where the condition does not hold
void require(bool condition, const char *otherwise);

}  // namespace pefd
