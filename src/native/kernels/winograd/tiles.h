// Tiles of images and their Winograd input transform.
#pragma once

#include "../common.h"
#include "../kernels.h"
#include "../prefetch.h"
#include "transforms.h"

namespace pefd {
namespace {

// Stride of rows or planes: an odd number of cache lines, so that they do not share few cache sets.
constexpr long strideOf(long floats) { return (floats / CHANNELS | 1) * CHANNELS; }

// Tiles of all images, in image and row order.
struct Tiling {
  long n, rows, columns;

  long count() const { return n * rows * columns; }

  struct Place {
    long image, row, column;
  };
  Place place(long tile) const {
    const long inImage = tile % (rows * columns);
    return {tile / (rows * columns), inImage / columns, inImage % columns};
  }
};

template <typename Algorithm>
Tiling tilingOf(long n, long height, long width) {
  return {n, ceilDivide(height, Algorithm::TILE), ceilDivide(width, Algorithm::TILE)};
}

// Images [n, height, width, channels] with a square window of pixels per tile; windows are `step` pixels apart, the
// first one begins `before` pixels outside.
template <typename Number>
struct TileWindows {
  Number *images;
  long height, width, channels, step, before;

  // Pointers to SIZE x SIZE pixels of a tile; `outside` for zero padding.
  template <int SIZE>
  void pixels(Tiling::Place at, Number *outside, Number *(&pixel)[SIZE * SIZE]) const {
    for (long i = 0; i < SIZE; i++) {
      const long y = at.row * step - before + i;
      for (long j = 0; j < SIZE; j++) {
        const long x = at.column * step - before + j;
        const bool inside = y >= 0 && y < height && x >= 0 && x < width;
        pixel[i * SIZE + j] = inside ? images + ((at.image * height + y) * width + x) * channels : outside;
      }
    }
  }

  // Prefetches some channels of the pixels that no earlier tile has read.
  template <int SIZE>
  void fetch(const Number *const (&pixel)[SIZE * SIZE], long channel, long end) const {
    for (long i = max(0, SIZE - step); i < SIZE; i++)
      for (long j = max(0, SIZE - step); j < SIZE; j++)
        for (long c = channel; c < end; c += CACHE_LINE / long{sizeof(Number)})
          __builtin_prefetch(pixel[i * SIZE + j] + c, 0, 2);
  }

  // Begin of the first row of a tile's window, and end of its last, within the image.
  const Number *firstRow(Tiling::Place at) const { return rowAt(at.image, at.row * step - before); }
  const Number *endOfRows(Tiling::Place at, long size) const { return rowAt(at.image, at.row * step - before + size); }

 private:
  const Number *rowAt(long image, long y) const {
    return images + (image * height + min(max(y, 0), height)) * width * channels;
  }
};

// Input windows of an algorithm's tiles, and output tiles.
template <typename Algorithm, typename Number>
TileWindows<Number> windowsOf(Number *images, long height, long width, long channels) {
  return {images, height, width, channels, Algorithm::STEP, Algorithm::BEFORE};
}
template <typename Algorithm, typename Number>
TileWindows<Number> tilesOf(Number *images, long height, long width, long channels) {
  return {images, height, width, channels, Algorithm::TILE, 0};
}

// The rows that some tiles' windows of `size` rows touch.
template <typename Number>
MemoryRange rowsOf(const TileWindows<Number> &of, const Tiling &tiling, long first, long count, long size) {
  const long end = min(first + count, tiling.count());
  if (first >= end) return {};
  const Number *from = of.firstRow(tiling.place(first));
  return {from, of.endOfRows(tiling.place(end - 1), size) - from};
}

// Input transform of `count` tiles to POINTS * POINTS planes of [count][strideOf(channels)]; `zeros` is the zero
// padding.
template <int SIZE, int POINTS, typename Number>
void transformTiles(void (&oneAxis)(const Vector (&)[SIZE], Vector (&)[POINTS]), const Tiling &tiling, long first,
                    long count, const TileWindows<const Number> &windows, const Number *zeros, float *planes,
                    long plane) {
  const long channels = windows.channels;
  for (long t = 0; t < count; t++) {
    const Number *pixel[SIZE * SIZE];
    windows.template pixels<SIZE>(tiling.place(first + t), zeros, pixel);
    float *to = planes + t * strideOf(channels);
    for (long c = 0; c < channels; c += WIDTH) {
      onBothAxes<SIZE, POINTS>(
          oneAxis, [&](int i, int j) { return load(pixel[i * SIZE + j] + c); },
          [&](int i, const Vector(&row)[POINTS]) {
#pragma GCC unroll 16
            for (int j = 0; j < POINTS; j++) store(to + (i * POINTS + j) * plane + c, row[j]);
          });
    }
  }
}

// The weight plane that an input plane is multiplied with.
template <typename Algorithm>
constexpr long factorPlane(long plane) {
  return Algorithm::factorOf(plane / Algorithm::POINTS) * Algorithm::FACTORS +
         Algorithm::factorOf(plane % Algorithm::POINTS);
}

// The number of input planes that meet a weight plane.
template <typename Algorithm>
constexpr long pointsOf(long factors) {
  long points = 0;
  for (long p = 0; p < Algorithm::POINTS * Algorithm::POINTS; p++) points += factorPlane<Algorithm>(p) == factors;
  return points;
}

}  // namespace
}  // namespace pefd
