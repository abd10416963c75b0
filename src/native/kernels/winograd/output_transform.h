// Winograd output transform, epilogue and stores.
#pragma once

#include "../common.h"
#include "../kernels.h"
#include "../prefetch.h"
#include "tiles.h"

namespace pefd {
namespace {

// One of `tasks` ranges of tiles. A thread's next task is usually the following one.
struct TileTask {
  long index, tasks;

  bool isThere() const { return index < tasks; }
  long first(long tiles) const { return tiles * index / tasks; }
  long count(long tiles) const { return tiles * (index + 1) / tasks - first(tiles); }
  TileTask next() const { return {index + 1, tasks}; }
};

// Products of tiles: planes of rows of channels.
struct Products {
  const float *from;
  long row, plane, channel, channels;
};

template <typename Algorithm, typename Number>
struct TileResults {
  static constexpr int POINTS = Algorithm::POINTS, TILE = Algorithm::TILE;
  const Tiling tiling;
  const TileWindows<Number> outputTiles;
  const EpilogueOf<Number> epilogue;

  // Prefetches the outputs and epilogue operands of a task, and probably the next task's input, in `steps` steps per
  // plane.
  TilePrefetch prefetch(const TileWindows<const Number> &windows, const TileTask &task, long steps) const {
    const auto rows = [&](const auto &of, const TileTask &some, long size) {
      return rowsOf(of, tiling, some.first(tiling.count()), some.count(tiling.count()), size);
    };
    const MemoryRange read = task.next().isThere() ? rows(windows, task.next(), Algorithm::WINDOW) : MemoryRange{};
    return prefetchOf(rows(outputTiles, task, TILE), outputTiles.images, epilogue, read, steps * POINTS * POINTS);
  }

  // Transforms `count` tiles from `first` on, applies the epilogue and stores. Pixels outside of the image are written
  // to `outside`.
  void write(long first, long count, const Products &products, Number *outside) const {
    for (long t = 0; t < count; t++) {
      Number *pixel[TILE * TILE];
      outputTiles.template pixels<TILE>(tiling.place(first + t), outside, pixel);
      for (long o = 0; o < products.channels; o += WIDTH) {
        const float *from = products.from + t * products.row + o;
        onBothAxes<POINTS, TILE>(
            Algorithm::output, [&](int i, int j) { return load(from + (i * POINTS + j) * products.plane); },
            [&](int i, Vector(&row)[TILE]) { writeRow(pixel + i * TILE, row, outside, products.channel + o); });
      }
    }
  }

  // Applies the epilogue to a row of pixels of a tile, and stores it.
  inline void writeRow(Number *const *pixel, Vector (&row)[TILE], const Number *outside, long channel) const {
    if (epilogue.bias != nullptr) {
      const Vector bias = load(epilogue.bias + channel);
#pragma GCC unroll 16
      for (int j = 0; j < TILE; j++) row[j] += bias;
    }
    if (epilogue.image != nullptr) {
#pragma GCC unroll 16
      for (int j = 0; j < TILE; j++) {
        if (pixel[j] != outside) row[j] += beside(epilogue.image, pixel[j], channel);
      }
    }
    if (epilogue.relu) {
#pragma GCC unroll 16
      for (int j = 0; j < TILE; j++) row[j] = row[j] < 0 ? Vector{} : row[j];  // a NaN stays one
    }
    if (epilogue.features != nullptr) {
#pragma GCC unroll 16
      for (int j = 0; j < TILE; j++) {
        if (pixel[j] == outside) continue;
        row[j] *= beside(epilogue.features, pixel[j], channel) > 0 ? Vector{} + 1 : Vector{};
      }
    }
#pragma GCC unroll 16
    for (int j = 0; j < TILE; j++) store(pixel[j] + channel, row[j]);
  }

  // The epilogue operand at a pixel.
  Vector beside(const Number *image, const Number *pixel, long channel) const {
    return load(image + (pixel - outputTiles.images) + channel);
  }
};

// Output tiles of a convolution, [n, height, width, channels].
template <typename Algorithm, typename Number>
TileResults<Algorithm, Number> resultsOf(long n, long height, long width, long channels, EpilogueOf<Number> epilogue,
                                         Number *y) {
  return {tilingOf<Algorithm>(n, height, width), tilesOf<Algorithm>(y, height, width, channels), epilogue};
}

}  // namespace
}  // namespace pefd
