#include "geometry.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace pefd {
namespace {

using Integers = std::vector<int64_t>;

constexpr long ceilDivide(long dividend, long divisor) { return (dividend + divisor - 1) / divisor; }

// Symmetric padding: 1 for [0, 0, 1, 1, 1, 1, 0, 0].
int64_t explicitPadding(const Integers &pads) {
  require(pads.size() == 8, "explicit_paddings must be eight numbers with padding EXPLICIT.");
  const int64_t pixels = pads[2];
  const bool isEven = pads == Integers{0, 0, pixels, pixels, pixels, pixels, 0, 0};
  require(isEven && (pixels == 0 || pixels == 1),
          "explicit_paddings must be no pixel or one, the same on all sides of the images.");
  return pixels;
}

}  // namespace

void require(bool condition, const char *otherwise) {
  if (!condition) throw std::invalid_argument(otherwise);
}

Geometry geometryOf(const ConvolutionAttributes &attributes) {
  const auto &[strides, dilations, pads, padding] = attributes;
  require(strides == Integers{1, 1, 1, 1} || strides == Integers{1, 2, 2, 1},
          "Strides must be 1 or 2, the same for rows and columns.");
  require(dilations == Integers{1, 1, 1, 1}, "Dilations are not served.");
  const long stride = strides[1];
  if (padding == "EXPLICIT") {
    const int64_t pixels = explicitPadding(pads);
    return {stride, pixels == 1, pixels == 0};
  }
  require(pads.empty(), "explicit_paddings need padding EXPLICIT.");
  require(padding == "SAME" || padding == "VALID", "Padding must be SAME, VALID or EXPLICIT.");
  // With stride 2, SAME is asymmetric.
  return {stride, padding == "SAME" && stride == 1, true};
}

namespace {

void requireImages(const Shape &images) {
  require(images.size() == 4, "Images must be [N, H, W, C].");
  require(std::all_of(images.begin(), images.end(), [](int64_t size) { return size >= 0; }),
          "Images must have no negative sizes.");
}

// The number of groups of a filter [kernel, kernel, inputs per group, outputs].
int64_t groupsOf(int64_t channels, const Shape &filter) {
  require(filter[2] > 0 && channels > 0 && channels % filter[2] == 0,
          "Images must be [N, H, W, C] with the filter's channels, or those of several groups.");
  const int64_t groups = channels / filter[2];
  require(filter[3] > 0 && filter[3] % groups == 0, "All groups must have as many outputs.");
  return groups;
}

}  // namespace

Convolution convolutionOf(const Geometry &geometry, const Shape &images, const Shape &filter) {
  requireImages(images);
  require(filter.size() == 4 && filter[0] == filter[1] && (filter[0] == 3 || filter[0] == 1),
          "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].");
  const bool isProduct = filter[0] == 1 && geometry.stride == 1;
  const int64_t groups = isProduct ? groupsOf(images[3], filter) : 1;
  require(isProduct || images[3] == filter[2], "Images must be [N, H, W, C] with the filter's channels.");
  const bool areSome = filter[2] > 0 && filter[3] > 0, isFew = filter[0] == 3 && filter[2] < CHANNELS;
  const bool fit = isFew || (filter[2] % CHANNELS == 0 && filter[3] % CHANNELS == 0);
  require(isProduct || (areSome && fit), "Channels must come in multiples of 16.");
  require(filter[0] == 3 ? geometry.serves3x3 : geometry.serves1x1,
          "Padding must be one pixel on all sides for a filter of 3x3, and none for a filter of 1x1.");
  return {images[0], images[1], images[2], images[3], filter[3], filter[0], geometry.stride, groups};
}

bool isStem(const Convolution &conv) { return conv.kernel == 3 && conv.inputs < CHANNELS; }

Depthwise depthwiseOf(const Geometry &geometry, const Shape &images, const Shape &filter) {
  requireImages(images);
  require(filter.size() == 4 && filter[0] == 3 && filter[1] == 3 && filter[3] == 1,
          "The filter must be [3, 3, channels, 1].");
  require(images[3] > 0 && images[3] == filter[2], "Images must be [N, H, W, C] with the filter's channels.");
  require(geometry.serves3x3, "Padding must be one pixel on all sides.");
  return {images[0], images[1], images[2], images[3], geometry.stride};
}

Shape imagesOf(const Convolution &conv) { return {conv.n, conv.h, conv.w, conv.inputs}; }

Shape filterOf(const Convolution &conv) { return {conv.kernel, conv.kernel, conv.inputs / conv.groups, conv.outputs}; }

Shape resultsOf(const Convolution &conv) {
  return {conv.n, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs};
}

Shape imagesOf(const Depthwise &conv) { return {conv.n, conv.h, conv.w, conv.channels}; }

Shape filterOf(const Depthwise &conv) { return {3, 3, conv.channels, 1}; }

Shape resultsOf(const Depthwise &conv) {
  return {conv.n, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.channels};
}

Normalization normalizationOf(const Shape &images, const std::vector<Shape> &vectors) {
  require(images.size() == 4, "Images must be [N, H, W, C].");
  const Shape channels{images[3]};
  for (const Shape &vector : vectors) require(vector == channels, "There must be one number for each channel.");
  const int64_t pixels = images[0] * images[1] * images[2];
  require(pixels > 0 && images[3] > 0, "There must be a pixel and a channel.");
  return {pixels, images[3]};
}

Shape withLastAxesSwapped(const Shape &shape) {
  Shape result = shape;
  std::swap(result[shape.size() - 2], result[shape.size() - 1]);
  return result;
}

Matrices lastAxesOf(const Shape &shape, const Shape &permutation) {
  require(shape.size() >= 2, "There must be two axes or more.");
  Shape axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  require(permutation == withLastAxesSwapped(axes), "Only the two last axes are exchanged.");
  const auto before = std::accumulate(shape.begin(), shape.end() - 2, int64_t{1}, std::multiplies<int64_t>());
  return {before, shape.end()[-2], shape.end()[-1]};
}

Program programOf(const std::vector<int64_t> &code, const std::vector<int64_t> &registers, int64_t inputs,
                  int64_t outputs) {
  require(code.size() % 3 == 0, "A program is a list of opcodes with two registers each.");
  require(static_cast<int64_t>(registers.size()) == outputs, "A program names one register for each result.");
  Program program;
  int64_t known = inputs;
  for (size_t i = 0; i < code.size(); i += 3) {
    const int64_t opcode = code[i], a = code[i + 1], b = code[i + 2];
    require(opcode >= 0 && opcode < OPCODES, "The program holds an unknown opcode.");
    require(a >= 0 && a < known && b >= 0 && b < known, "The program reads a register before it is written.");
    program.instructions.push_back({opcode, a, b});
    known++;
  }
  for (const int64_t result : registers) {
    require(result >= inputs && result < known, "A result must be what an instruction of the program has computed.");
    program.results.push_back(result);
  }
  return program;
}

Shape commonShape(const std::vector<Shape> &operands) {
  const Shape *common = nullptr;
  for (const Shape &shape : operands) {
    if (shape.empty()) continue;
    require(common == nullptr || *common == shape, "Operands must be scalars or have one shape.");
    common = &shape;
  }
  return common == nullptr ? Shape{} : *common;
}

namespace {

// Far beyond any image, and small enough that no index overflows.
constexpr int64_t LARGEST = 1 << 20;

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

bool holds(const View::Box &box, int64_t height, int64_t width) {
  return box.height > 0 && box.width > 0 && box.top >= 0 && box.left >= 0 && box.height <= height &&
         box.width <= width && box.top <= height - box.height && box.left <= width - box.width;
}

}  // namespace

AxisWeights bilinearWeights(long from, long length, long size, long start, long count) {
  const double scale = static_cast<double>(length) / static_cast<double>(size);
  const double support = std::max(scale, 1.0), inverse = 1.0 / support;
  const long most = 2 * static_cast<long>(std::ceil(support)) + 1;
  AxisWeights axis{count, most, {}, {}, std::vector<int>(static_cast<size_t>(count * most))};
  std::vector<double> exact(static_cast<size_t>(most));
  for (long i = 0; i < count; i++) {
    const double middle = (static_cast<double>(start + i) + 0.5) * scale;
    const long first = std::max(0L, static_cast<long>(middle - support + 0.5));
    const long taps = std::min(length, static_cast<long>(middle + support + 0.5)) - first;
    double sum = 0;
    for (long tap = 0; tap < taps; tap++) {
      exact[tap] = triangle((static_cast<double>(tap + first) - middle + 0.5) * inverse);
      sum += exact[tap];
    }
    for (long tap = 0; tap < taps; tap++) {
      axis.weights[i * most + tap] = static_cast<int>(0.5 + exact[tap] / sum * (1 << WEIGHT_BITS));
    }
    axis.first.push_back(from + first);
    axis.taps.push_back(taps);
  }
  return axis;
}

View viewOf(const Shape &numbers, const Shape &image) {
  require(image.size() == 3 && image[2] == 3, "Images must be [H, W, 3].");
  require(numbers.size() == VIEW_NUMBERS, "A view has eleven numbers.");
  const auto boxFrom = [&](size_t i) { return View::Box{numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]}; };
  const View view{boxFrom(0), numbers[4], numbers[5], boxFrom(6), numbers[10] != 0};
  require(image[0] <= LARGEST && image[1] <= LARGEST && holds(view.box, image[0], image[1]),
          "The box must lie in the image.");
  require(view.height > 0 && view.width > 0 && view.height <= LARGEST && view.width <= LARGEST,
          "The size must be 1 to 1048576 pixels each way.");
  require(holds(view.window, view.height, view.width), "The window must lie in the resized box.");
  return view;
}

}  // namespace pefd
