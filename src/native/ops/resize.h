// Which part of which resize an image is shown by. Nothing here knows TensorFlow, so that it can be tested without.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels/kernels.h"
#include "geometry.h"

namespace pefd {

// An axis, and the memory that it lies in.
struct AxisWeights {
  long count, most;
  std::vector<long> first, taps;
  std::vector<int> weights;

  // How many pixels of the image the results take, from first[0] on.
  long pixels() const { return first.back() + taps.back() - first.front(); }
  Axis axis() const { return {count, most, first.data(), taps.data(), weights.data()}; }
};

// Pillow's bilinear filter with antialiasing, and its rounding of weights: `length` pixels from `from` on become
// `size`, of which `count` from `start` on are wanted.
AxisWeights bilinearWeights(long from, long length, long size, long start, long count);

// A box of the image is resized; a window of that is wanted, or its mirror image.
struct View {
  struct Box {
    long top, left, height, width;
  };
  Box box;
  long height, width;
  Box window;
  bool isMirrored;
};

// The numbers of a view: box (top, left, height, width), size (height, width), window (as the box), mirrored (0 or 1).
constexpr size_t VIEW_NUMBERS = 11;

// The view that the numbers tell, of an image [H, W, 3].
// @throws std::invalid_argument where there is no such image, or no such part of it
View viewOf(const Shape &numbers, const Shape &image);

}  // namespace pefd
