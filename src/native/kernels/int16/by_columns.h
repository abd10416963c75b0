// The forward pass with the filter's columns divided among tasks, where the filter is larger than the images: a panel is
// packed and multiplied while it is in a worker's cache, and each worker transforms all tiles for itself, which takes less time
// than to have them from another one.
#pragma once

#include "../tiled/results.h"
#include "filter.h"
#include "tile.h"

namespace pefd {
namespace {

// Tiles whose products a worker holds at once.
constexpr long TILES_AT_ONCE = 4 * ROWS;

template <typename Algorithm, typename Number>
struct PairsByColumns {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  using Packing = PairPacking<Algorithm>;
  const Host &host;
  const Taps taps;
  const Squares<const Number> windows;
  const TileResults<Algorithm, Number> results;
  const Number *zeros = nullptr;
  OncePerWorker transforms = {};
  // Of each worker: a packed panel, a transformed tile, all tiles as pairs and their units, products of some of them with the
  // panel, and a pixel that is written outside of images.
  WorkerMemory packed = {}, factorUnits = {}, unscaled = {}, planes = {}, pointUnits = {}, products = {}, discarded = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  long panel() const { return panelOf(outputs()); }

  static bool isFor(const Host &host, const Taps &taps, const Tiling &tiling) {
    return tiling.count() < taps.columns && taps.columns / panelOf(taps.columns) >= 2 * host.workers;
  }

  void columns(long index, long worker) const {
    const long first = index * panel(), count = tiling().count();
    const PairRows rows{reinterpret_cast<Pair *>(planes.of(worker)), pointUnits.of(worker), pairRow(inputs()),
                        strideOf(count * pairRow(inputs())), count};
    transforms.run(worker, [&] {
      transformToPairs<Algorithm>(tiling(), 0, count, windows, zeros, unscaled.of(worker), rows);
    });
    const PackedPairs filter{reinterpret_cast<Pair *>(packed.of(worker)), factorUnits.of(worker), inputs(), panel()};
    Packing{taps}.pack(first, filter, 0, unscaled.of(worker));
    ColumnsAhead ahead = this->ahead(first);
    const long groups = ceilDivide(count, TILES_AT_ONCE);
    for (long g = 0; g < groups; g++) {
      some(count * g / groups, count * (g + 1) / groups, rows, filter, first, ahead, worker);
    }
  }

  // What the columns from `first` on write and add, and the filter of those after them.
  ColumnsAhead ahead(long first) const {
    const long steps = PLANES_OF_POINTS * ceilDivide(tiling().count(), ROWS), next = first + panel();
    const auto &to = results.squares;
    const long pixels = tiling().n * to.height * to.width;
    const auto beside = [&](const Number *image) {
      if (image == nullptr) return RowsStream();
      return RowsStream({{image + first, panel()}, pixels, to.channels * long{sizeof(Number)}}, steps);
    };
    const long floatBytes = sizeof(float), all = Packing::TAPS_OF_FILTER;
    RowsStream filter;
    if (next < outputs()) {
      filter = taps.turned ? RowsStream({{taps.filter + next * inputs(), panel() * inputs()}, all, outputs() * inputs() * floatBytes}, steps)
                           : RowsStream({{taps.filter + next, panel()}, all * inputs(), outputs() * floatBytes}, steps);
    }
    return {filter, beside(to.images), beside(results.epilogue.image), beside(results.epilogue.features)};
  }

  // Products of some tiles.
  void some(long tile, long end, const PairRows &rows, const PackedPairs &filter, long column,
            ColumnsAhead &ahead, long worker) const {
    const long outPlane = strideOf(TILES_AT_ONCE * panel());
    float *product = products.of(worker);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      multiply(end - tile, panel(), inputs() / 2, rows.operand(p, tile), filter.operand(factorPlane<Algorithm>(p), 0, panel()),
               ToMatrix{product + p * outPlane, panel(), false}, ahead);
    }
    results.write(tile, end - tile, product, panel(), outPlane, reinterpret_cast<Number *>(discarded.of(worker)), column,
                  column + panel());
  }

  Outcome run() {
    const long count = tiling().count();
    packed = workerScratch(host, PACKED, Packing::pairs(inputs(), panel()));
    factorUnits = workerScratch(host, FACTOR_UNITS, Packing::PLANES_OF_FACTORS * panel());
    transforms = {workerScratch(host, MADE, CHANNELS)};
    zeros = zerosScratch<Number>(host, inputs());
    unscaled = workerScratch(host, UNSCALED, max(Packing::turnedFloats(taps), PLANES_OF_POINTS * strideOf(inputs())));
    planes = workerScratch(host, PLANES, PLANES_OF_POINTS * strideOf(count * pairRow(inputs())));
    pointUnits = workerScratch(host, POINT_UNITS, PLANES_OF_POINTS * count);
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(TILES_AT_ONCE * panel()));
    discarded = workerScratch(host, DISCARDED, outputs());
    if (!packed.memory || !factorUnits.memory || !transforms.made.memory || !zeros || !unscaled.memory || !planes.memory ||
        !pointUnits.memory || !products.memory || !discarded.memory) {
      return Outcome::OUT_OF_MEMORY;
    }
    transforms.clear(host);
    parallelFor<PairsByColumns, &PairsByColumns::columns>(host, outputs() / panel(), *this);
    return Outcome::DONE;
  }
};

}  // namespace
}  // namespace pefd
