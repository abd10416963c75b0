// The forward pass in whole numbers, which is the gradient of the input as well: that of the output convolved with turned
// taps.
#pragma once

#include "../tiled/forward.h"
#include "filter.h"
#include "lists.h"
#include "product.h"

namespace pefd {
namespace {

// Bytes of transformed tiles and of their products that a task works on.
constexpr long PAIR_TASK_BYTES = 700 << 10;

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

template <typename Algorithm, typename Number>
struct PairForward {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  static constexpr int PLANES_OF_FACTORS = Algorithm::FACTORS * Algorithm::FACTORS;
  const Host &host;
  const Taps taps;
  const Squares<const Number> windows;
  const TileResults<Algorithm, Number> results;
  long tasks = 0, most = 0;
  Pair *packed = nullptr;
  float *factorUnits = nullptr;
  const Number *zeros = nullptr;
  // Of each worker: a transformed tile, such tiles as pairs and their units, their products with the taps, and a pixel
  // that is written outside of images.
  WorkerMemory unscaled = {}, planes = {}, pointUnits = {}, products = {}, discarded = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  // Pairs from one row of a plane to the next.
  long inRow() const { return ceilDivide(inputs(), 2 * WIDTH) * WIDTH; }

  // Some tiles from images to images.
  void tiles(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(tiling().count()), count = task.count(tiling().count());
    if (count == 0) return;
    const long outRow = outputs(), panel = panelOf(outputs());
    const long inPlane = strideOf(count * inRow()), outPlane = strideOf(count * outRow);
    Pair *pairs = reinterpret_cast<Pair *>(planes.of(worker));
    float *units = pointUnits.of(worker), *product = products.of(worker);
    const PairTile<POINTS> tile{unscaled.of(worker), strideOf(inputs()), inputs()};
    for (long t = 0; t < count; t++) {
      transformSquares<Algorithm::WINDOW, POINTS>(Algorithm::input, tiling(), first + t, 1, windows, zeros,
                                                  unscaled.of(worker), tile.plane);
      tile.write(pairs + t * inRow(), inPlane, units + t, most);
    }
    TilesAhead ahead = results.ahead(windows, task, outputs() / panel * ceilDivide(count, ROWS));
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const long factors = factorPlane<Algorithm>(p);
      const Operand a{pairs + p * inPlane, {inRow(), 1}, units + p * most};
      for (long o = 0; o < outputs(); o += panel) {
        const Operand b{packed + factors * PairPacking<Algorithm>::pairPlane(taps) + o * (inputs() / 2),
                        {1, panel},
                        factorUnits + factors * outputs() + o};
        multiply(count, panel, inputs() / 2, a, b, ToMatrix{product + p * outPlane + o, outRow, false}, ahead);
      }
    }
    results.write(first, count, product, outRow, outPlane, reinterpret_cast<Number *>(discarded.of(worker)));
  }

  Outcome run() {
    const long perTile = PLANES_OF_POINTS * (inputs() / 2 + outputs()) * long{sizeof(float)};
    most = max(ROWS, min(PAIR_TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(tiling().count(), most), host.workers) * host.workers;
    packed = pairScratch(host, PACKED, PLANES_OF_FACTORS * PairPacking<Algorithm>::pairPlane(taps));
    factorUnits = host.scratch(host.self, FACTOR_UNITS, PLANES_OF_FACTORS * outputs());
    zeros = zerosScratch<Number>(host, inputs());
    const long turned = PairPacking<Algorithm>::turnedFloats(taps);
    unscaled = workerScratch(host, UNSCALED, max(turned, PLANES_OF_POINTS * strideOf(inputs())));
    planes = workerScratch(host, PLANES, PLANES_OF_POINTS * strideOf(most * inRow()));
    pointUnits = workerScratch(host, POINT_UNITS, PLANES_OF_POINTS * most);
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(most * outputs()));
    discarded = workerScratch(host, DISCARDED, outputs());
    if (!packed || !factorUnits || !zeros || !unscaled.memory || !planes.memory || !pointUnits.memory ||
        !products.memory || !discarded.memory) {
      return Outcome::OUT_OF_MEMORY;
    }
    PairPacking<Algorithm>{taps, packed, factorUnits, unscaled}.run(host);
    parallelFor<PairForward, &PairForward::tiles>(host, tasks, *this);
    return Outcome::DONE;
  }
};

}  // namespace
}  // namespace pefd
