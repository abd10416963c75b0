#include "geometry.h"

#include <algorithm>
#include <stdexcept>

namespace pefd {
namespace {

using Integers = std::vector<int64_t>;

constexpr long ceilDivide(long dividend, long divisor) { return (dividend + divisor - 1) / divisor; }

// Pixels of padding that are the same on all four sides of images: of [0, 0, 1, 1, 1, 1, 0, 0] it is 1.
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
  // With stride 2, SAME is padded on some sides only.
  return {stride, padding == "SAME" && stride == 1, true};
}

Convolution convolutionOf(const Geometry &geometry, const Shape &images, const Shape &filter) {
  require(images.size() == 4, "Images must be [N, H, W, C].");
  require(filter.size() == 4 && filter[0] == filter[1] && (filter[0] == 3 || filter[0] == 1),
          "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].");
  require(std::all_of(images.begin(), images.end(), [](int64_t size) { return size >= 0; }),
          "Images must have no negative sizes.");
  require(images[3] == filter[2], "Images must be [N, H, W, C] with the filter's channels.");
  const bool fit = filter[2] > 0 && filter[3] > 0 && filter[2] % CHANNELS == 0 && filter[3] % CHANNELS == 0;
  require(fit, "Channels must come in multiples of 16.");
  require(filter[0] == 3 ? geometry.serves3x3 : geometry.serves1x1,
          "Padding must be one pixel on all sides for a filter of 3x3, and none for a filter of 1x1.");
  return {images[0], images[1], images[2], filter[2], filter[3], filter[0], geometry.stride};
}

Shape imagesOf(const Convolution &conv) { return {conv.n, conv.h, conv.w, conv.inputs}; }

Shape filterOf(const Convolution &conv) { return {conv.kernel, conv.kernel, conv.inputs, conv.outputs}; }

Shape resultsOf(const Convolution &conv) {
  return {conv.n, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs};
}

}  // namespace pefd
