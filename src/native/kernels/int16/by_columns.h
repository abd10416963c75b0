// The forward pass with the filter's columns divided among tasks, where the filter is larger than the images: a panel is
// packed and multiplied while it is in a worker's cache, and each worker transforms all tiles for itself, which takes less time
// than to have them from another one.
#pragma once

#include "work.h"

namespace pefd {
namespace {

// Tiles whose products a worker has at once.
constexpr long TILES_AT_ONCE = 5 * ROWS;
// How many tiles before it is transformed one is fetched.
constexpr long TILES_AHEAD = 3;

template <typename Algorithm, typename Number>
struct PairsByColumns {
  PairWork<Algorithm, Number> work;

  // With a stride transforms take too long for every worker to have its own.
  static bool isFor(const PairWork<Algorithm, Number> &work) {
    const bool hasStride = Algorithm::STEP != Algorithm::TILE;
    const long panels = work.outputs() / work.panel();
    return !hasStride && work.tiling().count() < work.outputs() && panels >= 2 * work.host.workers;
  }

  // All tiles with a panel.
  void columns(long index, long worker) const {
    const long channel = index * work.panel(), count = work.tiling().count();
    const PairRows rows = work.rows(0, count, worker);
    work.once.run(worker, [&] { work.transform(rows, worker, TILES_AHEAD); });
    const PackedPairs filter = work.filter(worker);
    PairPacking<Algorithm>{work.taps}.pack(channel, filter, 0, work.unscaled.of(worker));
    const long groups = ceilDivide(count, TILES_AT_ONCE);
    ColumnsAhead ahead = this->ahead(channel, groups * ceilDivide(TILES_AT_ONCE, ROWS));
    for (long g = 0; g < groups; g++) {
      const long first = count * g / groups, end = count * (g + 1) / groups;
      work.multiplyAndWrite(rows, first, end - first, filter, channel, ahead, worker);
    }
  }

  // What the channels from one on write and add, and the filter of those after them, while each plane is multiplied in so many
  // steps.
  ColumnsAhead ahead(long channel, long stepsOfPlane) const {
    const long steps = stepsOfPlane * work.PLANES_OF_POINTS;
    const auto &to = work.results.squares;
    const auto &epilogue = work.results.epilogue;
    const auto beside = [&](const Number *image) {
      if (image == nullptr) return RowsStream();
      const Rows rows{{image + channel, work.panel()}, work.tiling().n * to.height * to.width,
                      to.channels * long{sizeof(Number)}};
      return RowsStream(rows, steps);
    };
    const long next = channel + work.panel();
    const Rows filter = next < work.outputs() ? PairPacking<Algorithm>{work.taps}.rowsOf(next) : Rows{};
    return {{filter, steps}, beside(to.images), beside(epilogue.image), beside(epilogue.features)};
  }

  Outcome run() {
    const long count = work.tiling().count();
    const PairSizes sizes{count, min(count, TILES_AT_ONCE), work.host.workers, work.panel()};
    if (!work.reserve(sizes)) return Outcome::OUT_OF_MEMORY;
    parallelFor<PairsByColumns, &PairsByColumns::columns>(work.host, work.outputs() / work.panel(), *this);
    return Outcome::DONE;
  }
};

}  // namespace
}  // namespace pefd
