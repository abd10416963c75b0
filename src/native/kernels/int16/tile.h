// Tiles of images, transformed, as whole numbers.
#pragma once

#include "../tiled/tiles.h"
#include "lists.h"
#include "product.h"

namespace pefd {
namespace {

// Squares of one tile, transformed to planes of channels, as pairs of neighbouring channels in units of their own.
template <int POINTS>
struct PairTile {
  static constexpr int PLANES_OF_POINTS = POINTS * POINTS;
  // Planes whose units are found at once.
  static constexpr int AT_ONCE = POINTS % 2 == 0 ? 2 * POINTS : POINTS;
  const float *planes;
  long plane, channels;

  // All planes to [plane][channels / 2] pairs and to one unit each.
  void write(Pair *to, long toPlane, float *units, long unitPlane) const {
    Units found[PLANES_OF_POINTS / AT_ONCE];
    for (int i = 0; i < PLANES_OF_POINTS / AT_ONCE; i++) {
      found[i] = unitsOfLists<AT_ONCE>([&](int p) { return planes + (i * AT_ONCE + p) * plane; }, channels);
    }
    for (int p = 0; p < PLANES_OF_POINTS; p++) {
      const Units &of = found[p / AT_ONCE];
      units[p * unitPlane] = of.unit[p % AT_ONCE];
      writeList(planes + p * plane, channels, of.inverse[p % AT_ONCE], to + p * toPlane);
    }
  }
};

// Some tiles as pairs, from the `first` on: planes of rows of channels, and a unit for each row.
struct PairRows {
  Pair *pairs;
  float *units;
  long channels, first, count;

  // Pairs from one row to the next: neighbours are written two vectors at a time. And from one plane to the next.
  static constexpr long row(long channels) { return ceilDivide(channels, 2 * WIDTH) * WIDTH; }
  static constexpr long plane(long channels, long count) { return strideOf(count * row(channels)); }

  // From a tile on, in one plane.
  Pair *pairsAt(long p, long tile) const { return pairs + p * plane(channels, count) + (tile - first) * row(channels); }
  float *unitsAt(long p, long tile) const { return units + p * count + tile - first; }
  Operand operand(long p, long tile) const { return {pairsAt(p, tile), {row(channels), 1}, unitsAt(p, tile)}; }
};

// Transforms the squares of as many tiles; `unscaled` has room for one. Those some tiles ahead are fetched.
template <typename Algorithm, typename Number>
void transformToPairs(const Tiling &tiling, const Squares<const Number> &windows, const Number *zeros, float *unscaled,
                      const PairRows &to, long ahead) {
  const PairTile<Algorithm::POINTS> transformed{unscaled, strideOf(to.channels), to.channels};
  const long end = to.first + to.count;
  const auto fetch = [&](long tile) {
    const Number *pixel[Algorithm::WINDOW * Algorithm::WINDOW];
    windows.template pixels<Algorithm::WINDOW>(tiling.place(tile), zeros, pixel);
    windows.template fetch<Algorithm::WINDOW>(pixel, 0, to.channels);
  };
  for (long tile = to.first; tile < min(to.first + ahead, end); tile++) fetch(tile);
  for (long tile = to.first; tile < end; tile++) {
    if (ahead > 0 && tile + ahead < end) fetch(tile + ahead);
    transformSquares<Algorithm::WINDOW, Algorithm::POINTS>(Algorithm::input, tiling, tile, 1, windows, zeros, unscaled,
                                                           transformed.plane);
    transformed.write(to.pairsAt(0, tile), PairRows::plane(to.channels, to.count), to.unitsAt(0, tile), to.count);
  }
}

}  // namespace
}  // namespace pefd
