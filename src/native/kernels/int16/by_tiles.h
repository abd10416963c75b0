// The forward pass with tiles divided among tasks.
#pragma once

#include "../tiled/results.h"
#include "filter.h"
#include "tile.h"

namespace pefd {
namespace {

// Bytes of transformed tiles and of their products that a task works on.
constexpr long PAIR_TASK_BYTES = 700 << 10;
// Each worker packs the filter for itself where it has that many tiles: packing takes as long as the products of about ten,
// and what another one has packed may come from far away.
constexpr long TILES_OF_OWN = 64;

template <typename Algorithm, typename Number>
struct PairsByTiles {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  using Packing = PairPacking<Algorithm>;
  const Host &host;
  const Taps taps;
  const Squares<const Number> windows;
  const TileResults<Algorithm, Number> results;
  long tasks = 0, most = 0;
  const Number *zeros = nullptr;
  // Packed filters, one or one for each worker.
  WorkerMemory packed = {}, factorUnits = {};
  OncePerWorker packs = {};
  // Of each worker: a transformed tile, such tiles as pairs and their units, their products with the taps, and a pixel
  // that is written outside of images.
  WorkerMemory unscaled = {}, planes = {}, pointUnits = {}, products = {}, discarded = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  bool hasOwn() const { return tiling().count() >= TILES_OF_OWN * host.workers; }
  PackedPairs filterOf(long worker) const {
    const long own = hasOwn() ? worker : 0;
    return {reinterpret_cast<Pair *>(packed.of(own)), factorUnits.of(own), inputs(), outputs()};
  }

  // Some tiles from images to images.
  void tiles(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(tiling().count()), count = task.count(tiling().count());
    if (count == 0) return;
    const PackedPairs filter = filterOf(worker);
    if (hasOwn()) packs.run(worker, [&] { Packing{taps}.packAll(filter, unscaled.of(worker)); });
    const long outRow = outputs(), panel = panelOf(outputs()), outPlane = strideOf(count * outRow);
    const PairRows rows{reinterpret_cast<Pair *>(planes.of(worker)), pointUnits.of(worker), pairRow(inputs()),
                        strideOf(count * pairRow(inputs())), most};
    transformToPairs<Algorithm>(tiling(), first, count, windows, zeros, unscaled.of(worker), rows);
    float *product = products.of(worker);
    TilesAhead ahead = results.ahead(windows, task, outputs() / panel * ceilDivide(count, ROWS));
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      for (long o = 0; o < outputs(); o += panel) {
        multiply(count, panel, inputs() / 2, rows.operand(p, 0), filter.operand(factorPlane<Algorithm>(p), o, panel),
                 ToMatrix{product + p * outPlane + o, outRow, false}, ahead);
      }
    }
    results.write(first, count, product, outRow, outPlane, reinterpret_cast<Number *>(discarded.of(worker)));
  }

  Outcome run() {
    const long perTile = PLANES_OF_POINTS * (inputs() / 2 + outputs()) * long{sizeof(float)};
    most = max(ROWS, min(PAIR_TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(tiling().count(), most), host.workers) * host.workers;
    const long filters = hasOwn() ? host.workers : 1;
    packed = scratchFor(host, PACKED, filters, Packing::pairs(inputs(), outputs()));
    factorUnits = scratchFor(host, FACTOR_UNITS, filters, Packing::PLANES_OF_FACTORS * outputs());
    packs = {workerScratch(host, MADE, CHANNELS)};
    zeros = zerosScratch<Number>(host, inputs());
    unscaled = workerScratch(host, UNSCALED, max(Packing::turnedFloats(taps), PLANES_OF_POINTS * strideOf(inputs())));
    planes = workerScratch(host, PLANES, PLANES_OF_POINTS * strideOf(most * pairRow(inputs())));
    pointUnits = workerScratch(host, POINT_UNITS, PLANES_OF_POINTS * most);
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(most * outputs()));
    discarded = workerScratch(host, DISCARDED, outputs());
    if (!packed.memory || !factorUnits.memory || !packs.made.memory || !zeros || !unscaled.memory || !planes.memory ||
        !pointUnits.memory || !products.memory || !discarded.memory) {
      return Outcome::OUT_OF_MEMORY;
    }
    packs.clear(host);
    if (!hasOwn()) SharedPacking<Algorithm>{{taps}, filterOf(0), unscaled}.run(host);
    parallelFor<PairsByTiles, &PairsByTiles::tiles>(host, tasks, *this);
    return Outcome::DONE;
  }
};

}  // namespace
}  // namespace pefd
