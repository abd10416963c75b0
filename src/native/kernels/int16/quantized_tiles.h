// Winograd tiles, transformed and quantized to int16.
#pragma once

#include "../winograd/tiles.h"
#include "gemm.h"
#include "quantize.h"

namespace pefd {
namespace {

// One tile: planes of channels, to pairs of neighbouring channels with a scale per plane.
template <int POINTS>
struct QuantizedTile {
  static constexpr int PLANES_OF_POINTS = POINTS * POINTS;
  // Planes whose scales are computed at once.
  static constexpr int AT_ONCE = POINTS % 2 == 0 ? 2 * POINTS : POINTS;
  const float *planes;
  long plane, channels;

  // Quantizes all planes to [plane][channels / 2] pairs and one scale each.
  void write(Pair *to, long toPlane, float *scales, long scalePlane) const {
    Scales found[PLANES_OF_POINTS / AT_ONCE];
    for (int i = 0; i < PLANES_OF_POINTS / AT_ONCE; i++) {
      found[i] = rowScales<AT_ONCE>([&](int p) { return planes + (i * AT_ONCE + p) * plane; }, channels);
    }
    for (int p = 0; p < PLANES_OF_POINTS; p++) {
      const Scales &of = found[p / AT_ONCE];
      scales[p * scalePlane] = of.scale[p % AT_ONCE];
      quantizeRow(planes + p * plane, channels, of.inverse[p % AT_ONCE], to + p * toPlane);
    }
  }
};

// Quantized tiles from `first` on: planes of rows of channels, with per-row scales.
struct QuantizedRows {
  Pair *pairs;
  float *scales;
  long channels, first, count;

  // Pairs of a row, rounded up since they are written two vectors at a time, and of a plane.
  static constexpr long row(long channels) { return ceilDivide(channels, 2 * WIDTH) * WIDTH; }
  static constexpr long plane(long channels, long count) { return strideOf(count * row(channels)); }

  // The rows from a tile on, in one plane.
  Pair *pairsAt(long p, long tile) const { return pairs + p * plane(channels, count) + (tile - first) * row(channels); }
  float *scalesAt(long p, long tile) const { return scales + p * count + tile - first; }
  Operand operand(long p, long tile) const { return {pairsAt(p, tile), {row(channels), 1}, scalesAt(p, tile)}; }
};

// Transforms and quantizes tiles; `unquantized` is scratch memory for one. Prefetches `prefetch` tiles in advance.
template <typename Algorithm, typename Number>
void transformAndQuantize(const Tiling &tiling, const TileWindows<const Number> &windows, const Number *zeros,
                          float *unquantized, const QuantizedRows &to, long prefetch) {
  const QuantizedTile<Algorithm::POINTS> transformed{unquantized, strideOf(to.channels), to.channels};
  const long end = to.first + to.count;
  const auto fetch = [&](long tile) {
    const Number *pixel[Algorithm::WINDOW * Algorithm::WINDOW];
    windows.template pixels<Algorithm::WINDOW>(tiling.place(tile), zeros, pixel);
    windows.template fetch<Algorithm::WINDOW>(pixel, 0, to.channels);
  };
  for (long tile = to.first; tile < min(to.first + prefetch, end); tile++) fetch(tile);
  for (long tile = to.first; tile < end; tile++) {
    if (prefetch > 0 && tile + prefetch < end) fetch(tile + prefetch);
    transformTiles<Algorithm::WINDOW, Algorithm::POINTS>(Algorithm::input, tiling, tile, 1, windows, zeros, unquantized,
                                                         transformed.plane);
    transformed.write(to.pairsAt(0, tile), QuantizedRows::plane(to.channels, to.count), to.scalesAt(0, tile), to.count);
  }
}

}  // namespace
}  // namespace pefd
