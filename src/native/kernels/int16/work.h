// What a forward pass in whole numbers works on, however it is divided into tasks.
#pragma once

#include "../tiled/results.h"
#include "filter.h"
#include "tile.h"

namespace pefd {
namespace {

// How much memory it takes.
struct PairSizes {
  // Tiles that a worker has as pairs, and of which it has products.
  long tiles, tilesAtOnce;
  // Packed filters, and columns of each.
  long filters, columns;
};

template <typename Algorithm, typename Number>
struct PairWork {
  static constexpr int PLANES_OF_POINTS = Algorithm::POINTS * Algorithm::POINTS;
  using Packing = PairPacking<Algorithm>;
  const Host &host;
  const Taps taps;
  const Squares<const Number> windows;
  const TileResults<Algorithm, Number> results;
  const Number *zeros = nullptr;
  long filterColumns = 0;
  WorkerMemory filters = {}, filterUnits = {};
  // Of each worker: a transformed tile, or turned taps; tiles as pairs and their units; products; a pixel that is written
  // outside of images; and whether it has made what it makes once.
  WorkerMemory unscaled = {}, pairs = {}, units = {}, products = {}, discarded = {};
  OncePerWorker once = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  long panel() const { return panelOf(outputs()); }

  // False where memory is short.
  bool reserve(const PairSizes &sizes) {
    filterColumns = sizes.columns;
    zeros = zerosScratch<Number>(host, inputs());
    filters = scratchFor(host, PACKED, sizes.filters, Packing::pairs(inputs(), sizes.columns));
    filterUnits = scratchFor(host, FACTOR_UNITS, sizes.filters, Packing::PLANES_OF_FACTORS * sizes.columns);
    unscaled = workerScratch(host, UNSCALED, max(Packing::turnedFloats(taps), PLANES_OF_POINTS * strideOf(inputs())));
    pairs = workerScratch(host, PLANES, PLANES_OF_POINTS * PairRows::plane(inputs(), sizes.tiles));
    units = workerScratch(host, POINT_UNITS, PLANES_OF_POINTS * sizes.tiles);
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(sizes.tilesAtOnce * sizes.columns));
    discarded = workerScratch(host, DISCARDED, outputs());
    once = {workerScratch(host, MADE, CHANNELS)};
    if (!zeros || !filters.memory || !filterUnits.memory || !unscaled.memory || !pairs.memory || !units.memory ||
        !products.memory || !discarded.memory || !once.made.memory) {
      return false;
    }
    once.clear(host);
    return true;
  }

  PackedPairs filter(long index) const {
    return {reinterpret_cast<Pair *>(filters.of(index)), filterUnits.of(index), inputs(), filterColumns};
  }
  PairRows rows(long first, long count, long worker) const {
    return {reinterpret_cast<Pair *>(pairs.of(worker)), units.of(worker), inputs(), first, count};
  }
  void transform(const PairRows &to, long worker, long tilesAhead) const {
    transformToPairs<Algorithm>(tiling(), windows, zeros, unscaled.of(worker), to, tilesAhead);
  }

  // Results of some of the tiles; channels from `channel` on, as many as the filter has columns.
  template <typename Ahead>
  void multiplyAndWrite(const PairRows &rows, long tile, long count, const PackedPairs &filter, long channel, Ahead &ahead,
                        long worker) const {
    const long outRow = filter.columns, outPlane = strideOf(count * outRow);
    float *sums = products.of(worker);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const Operand a = rows.operand(p, tile);
      for (long o = 0; o < outRow; o += panel()) {
        multiply(count, panel(), inputs() / 2, a, filter.operand(factorPlane<Algorithm>(p), o, panel()),
                 ToMatrix{sums + p * outPlane + o, outRow, false}, ahead);
      }
    }
    results.write(tile, count, {sums, outRow, outPlane, channel, outRow},
                  reinterpret_cast<Number *>(discarded.of(worker)));
  }
};

}  // namespace
}  // namespace pefd
