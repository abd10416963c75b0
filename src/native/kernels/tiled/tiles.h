// Images divided into tiles, and the transforms of tiles.
#pragma once

#include "../ahead.h"
#include "algorithm.h"
#include "../common.h"
#include "../kernels.h"

namespace pefd {
namespace {

// Floats from one row of `floats`, or one plane of them, to the next: an odd number of lines of the cache. An even
// one would leave some of a cache's sets unused, a power of two nearly all.
constexpr long strideOf(long floats) { return (floats / CHANNELS | 1) * CHANNELS; }

// The tiles of images, numbered image by image and row by row.
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

// Images [n, height, width, channels], of which each tile has a square of pixels: it begins `step` pixels after that of
// the tile before, the first one `before` pixels outside of the image.
template <typename Number>
struct Squares {
  Number *images;
  long height, width, channels, step, before;

  // Pointers to SIZE x SIZE pixels of a tile; those outside of the image are `outside`.
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

  // Has some channels fetched of the pixels of a tile that the tiles before it have not seen.
  template <int SIZE>
  void fetch(const Number *const (&pixel)[SIZE * SIZE], long channel, long end) const {
    for (long i = max(0, SIZE - step); i < SIZE; i++)
      for (long j = max(0, SIZE - step); j < SIZE; j++)
        for (long c = channel; c < end; c += LINE / long{sizeof(Number)}) __builtin_prefetch(pixel[i * SIZE + j] + c, 0, 2);
  }

  // Where the first row of a tile's square of pixels begins, and where its last row of SIZE ends, within its image.
  const Number *firstRow(Tiling::Place at) const { return rowAt(at.image, at.row * step - before); }
  const Number *endOfRows(Tiling::Place at, long size) const { return rowAt(at.image, at.row * step - before + size); }

 private:
  const Number *rowAt(long image, long y) const {
    return images + (image * height + min(max(y, 0), height)) * width * channels;
  }
};

// What an algorithm sees of images: the window of each tile, or the tile itself.
template <typename Algorithm, typename Number>
Squares<Number> windowsOf(Number *images, long height, long width, long channels) {
  return {images, height, width, channels, Algorithm::STEP, Algorithm::BEFORE};
}
template <typename Algorithm, typename Number>
Squares<Number> tilesOf(Number *images, long height, long width, long channels) {
  return {images, height, width, channels, Algorithm::TILE, 0};
}

// All rows of images that the squares of some tiles touch, as far as there are tiles; `size` is how many rows a square has.
template <typename Number>
Row rowsOf(const Squares<Number> &of, const Tiling &tiling, long first, long count, long size) {
  const long end = min(first + count, tiling.count());
  if (first >= end) return {};
  const Number *from = of.firstRow(tiling.place(first));
  return {from, of.endOfRows(tiling.place(end - 1), size) - from};
}

// Transforms the squares of `count` tiles to POINTS * POINTS planes of [count][strideOf(channels)]; pixels outside of
// the images are `zeros`.
template <int SIZE, int POINTS, typename Number>
void transformSquares(void (&oneAxis)(const Vector (&)[SIZE], Vector (&)[POINTS]), const Tiling &tiling, long first,
                      long count, const Squares<const Number> &squares, const Number *zeros, float *planes, long plane) {
  const long channels = squares.channels;
  for (long t = 0; t < count; t++) {
    const Number *pixel[SIZE * SIZE];
    squares.template pixels<SIZE>(tiling.place(first + t), zeros, pixel);
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

// The plane of factors that a plane of points is multiplied with.
template <typename Algorithm>
constexpr long factorPlane(long plane) {
  return Algorithm::factorOf(plane / Algorithm::POINTS) * Algorithm::FACTORS +
         Algorithm::factorOf(plane % Algorithm::POINTS);
}

// How many planes of points meet one of factors.
template <typename Algorithm>
constexpr long pointsOf(long factors) {
  long points = 0;
  for (long p = 0; p < Algorithm::POINTS * Algorithm::POINTS; p++) points += factorPlane<Algorithm>(p) == factors;
  return points;
}

}  // namespace
}  // namespace pefd
