// The forward pass with tiles divided among tasks.
#pragma once

#include "work.h"

namespace pefd {
namespace {

// Bytes of transformed tiles and of their products that a task works on.
constexpr long PAIR_TASK_BYTES = 700 << 10;
// Each worker packs the filter for itself where it has that many tiles, and the packed filter no more bytes: packing takes as
// long as the products of about ten, and what another one has packed may come from far away.
constexpr long TILES_OF_OWN = 64, BYTES_OF_OWN = 3 << 19;

template <typename Algorithm, typename Number>
struct PairsByTiles {
  PairWork<Algorithm, Number> work;
  long tasks = 0;

  long tileCount() const { return work.tiling().count(); }
  bool hasOwn() const {
    const long bytes = PairPacking<Algorithm>::pairs(work.inputs(), work.outputs()) * long{sizeof(Pair)};
    return tileCount() >= TILES_OF_OWN * work.host.workers && bytes <= BYTES_OF_OWN;
  }
  PackedPairs filterOf(long worker) const { return work.filter(hasOwn() ? worker : 0); }

  // Some tiles from images to images.
  void tiles(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(tileCount()), count = task.count(tileCount());
    if (count == 0) return;
    const PackedPairs filter = filterOf(worker);
    if (hasOwn()) {
      work.once.run(worker, [&] { PairPacking<Algorithm>{work.taps}.packAll(filter, work.unscaled.of(worker)); });
    }
    const PairRows rows = work.rows(first, count, worker);
    work.transform(rows, worker, 0);
    TilesAhead ahead =
        work.results.ahead(work.windows, task, work.outputs() / work.panel() * ceilDivide(count, ROWS));
    work.multiplyAndWrite(rows, first, count, filter, 0, ahead, worker);
  }

  Outcome run() {
    const long perTile = work.PLANES_OF_POINTS * (work.inputs() / 2 + work.outputs()) * long{sizeof(float)};
    const long most = max(ROWS, min(PAIR_TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS), workers = work.host.workers;
    tasks = ceilDivide(ceilDivide(tileCount(), most), workers) * workers;
    if (!work.reserve({most, most, hasOwn() ? workers : 1, work.outputs()})) return Outcome::OUT_OF_MEMORY;
    if (!hasOwn()) SharedPacking<Algorithm>{{work.taps}, work.filter(0), work.unscaled}.run(work.host);
    parallelFor<PairsByTiles, &PairsByTiles::tiles>(work.host, tasks, *this);
    return Outcome::DONE;
  }
};

}  // namespace
}  // namespace pefd
