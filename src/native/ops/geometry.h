// Validation of op arguments: convolution geometry, elementwise programs and resize views. Independent of TensorFlow,
// so that test/native can test it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../kernels/kernels.h"

namespace pefd {

using Shape = std::vector<int64_t>;

// Attributes of a convolution, as TensorFlow's Conv2D has them.
struct ConvolutionAttributes {
  std::vector<int64_t> strides, dilations, explicitPaddings;
  std::string padding;
};

// Validated attributes. Padding must be PyTorch's, kernel / 2 on all sides; the filter's size is known only later.
struct Geometry {
  long stride;
  bool serves3x3, serves1x1;
};

// @throws std::invalid_argument if no kernel supports them
Geometry geometryOf(const ConvolutionAttributes &attributes);

// The convolution of images [N, H, W, groups * I] with a filter [kernel, kernel, I, O].
// @throws std::invalid_argument if it is not supported
Convolution convolutionOf(const Geometry &geometry, const Shape &images, const Shape &filter);

// Whether it is a stem: fewer input channels than a vector has lanes (kernels/stem.h).
bool isStem(const Convolution &conv);

Shape imagesOf(const Convolution &conv);
Shape filterOf(const Convolution &conv);
Shape resultsOf(const Convolution &conv);

// The depthwise convolution of images [N, H, W, C] with a filter [3, 3, C, 1].
// @throws std::invalid_argument if it is not supported
Depthwise depthwiseOf(const Geometry &geometry, const Shape &images, const Shape &filter);

Shape imagesOf(const Depthwise &conv);
Shape filterOf(const Depthwise &conv);
Shape resultsOf(const Depthwise &conv);

// The batch normalisation of images [N, H, W, C] with some vectors [C].
// @throws std::invalid_argument if they do not match or are empty
Normalization normalizationOf(const Shape &images, const std::vector<Shape> &vectors);

// The transpose of the last two axes of a shape.
// @throws std::invalid_argument for another permutation
Matrices lastAxesOf(const Shape &shape, const Shape &permutation);

Shape withLastAxesSwapped(const Shape &shape);

// @throws std::invalid_argument with this message if the condition does not hold
void require(bool condition, const char *otherwise);

// An elementwise program: instructions, and the register of each result.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<long> results;
};

// The program of a node: `code` holds an opcode and two registers per instruction.
// @throws std::invalid_argument if it is not valid
Program programOf(const std::vector<int64_t> &code, const std::vector<int64_t> &registers, int64_t inputs,
                  int64_t outputs);

// The shape of the operands that are not scalars; a scalar's if all are.
// @throws std::invalid_argument if they differ
Shape commonShape(const std::vector<Shape> &operands);

// Weights of an axis, with their memory.
struct AxisWeights {
  long count, most;
  std::vector<long> first, taps;
  std::vector<int> weights;

  // Input pixels that the outputs read, from first[0] on.
  long pixels() const { return first.back() + taps.back() - first.front(); }
  Axis axis() const { return {count, most, first.data(), taps.data(), weights.data()}; }
};

// Pillow's bilinear filter with antialiasing, and its rounding of weights: `length` pixels from `from` on are resized
// to `size`, of which `count` from `start` on are computed.
AxisWeights bilinearWeights(long from, long length, long size, long start, long count);

// A box of the image is resized; a window of the result is wanted, or its mirror image.
struct View {
  struct Box {
    long top, left, height, width;
  };
  Box box;
  long height, width;
  Box window;
  bool isMirrored;
};

// box (top, left, height, width), size (height, width), window (as the box), mirrored (0 or 1)
constexpr size_t VIEW_NUMBERS = 11;

// The view of an image [H, W, 3].
// @throws std::invalid_argument if it is not valid
View viewOf(const Shape &numbers, const Shape &image);

}  // namespace pefd
