// int16 forward and dgrad: dynamic quantization after the Winograd input transform, VNNI GEMMs, output transform. Tasks
// are ranges of tiles, or of output channels where weights are larger than activations.
#pragma once

#include "../winograd/forward.h"
#include "../winograd/output_transform.h"
#include "packed_weights.h"
#include "quantized_tiles.h"

namespace pefd {
namespace {

// Scratch memory.
struct ScratchSizes {
  // Quantized tiles per thread, and tiles whose products are computed at once.
  long tiles, tilesAtOnce;
  // Copies of the packed weights, and columns of each.
  long filters, columns;
};

template <typename Algorithm, typename Number>
struct Int16Convolution {
  static constexpr int PLANES_OF_POINTS = Algorithm::POINTS * Algorithm::POINTS;
  using Packing = WeightPacking<Algorithm>;
  const Host &host;
  const Taps taps;
  const TileWindows<const Number> windows;
  const TileResults<Algorithm, Number> results;
  const Number *zeros = nullptr;
  long filterColumns = 0;
  WorkerMemory filters = {}, filterScales = {};
  // Per thread: a transformed tile or transposed taps, quantized tiles and their scales, products, a pixel for writes
  // outside of the image, and whether the once-per-thread work is done.
  WorkerMemory unquantized = {}, pairs = {}, scales = {}, products = {}, discarded = {};
  OncePerWorker once = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  long panel() const { return panelOf(outputs()); }

  // @returns false without memory
  bool reserve(const ScratchSizes &sizes) {
    filterColumns = sizes.columns;
    zeros = zerosScratch<Number>(host, inputs());
    filters = scratchFor(host, PACKED, sizes.filters, Packing::pairs(inputs(), sizes.columns));
    filterScales = scratchFor(host, WEIGHT_SCALES, sizes.filters, Packing::PLANES_OF_FACTORS * sizes.columns);
    unquantized =
        workerScratch(host, UNQUANTIZED, max(Packing::transposedFloats(taps), PLANES_OF_POINTS * strideOf(inputs())));
    pairs = workerScratch(host, PLANES, PLANES_OF_POINTS * QuantizedRows::plane(inputs(), sizes.tiles));
    scales = workerScratch(host, ACTIVATION_SCALES, PLANES_OF_POINTS * sizes.tiles);
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(sizes.tilesAtOnce * sizes.columns));
    discarded = workerScratch(host, DISCARDED, outputs());
    once = {workerScratch(host, ONCE_FLAGS, CHANNELS)};
    if (!zeros || !filters.memory || !filterScales.memory || !unquantized.memory || !pairs.memory || !scales.memory ||
        !products.memory || !discarded.memory || !once.made.memory) {
      return false;
    }
    once.clear(host);
    return true;
  }

  PackedWeights filter(long index) const {
    return {reinterpret_cast<Pair *>(filters.of(index)), filterScales.of(index), inputs(), filterColumns};
  }
  QuantizedRows rows(long first, long count, long worker) const {
    return {reinterpret_cast<Pair *>(pairs.of(worker)), scales.of(worker), inputs(), first, count};
  }
  void transform(const QuantizedRows &to, long worker, long prefetchDistance) const {
    transformAndQuantize<Algorithm>(tiling(), windows, zeros, unquantized.of(worker), to, prefetchDistance);
  }

  // GEMMs and output transform of some tiles, for channels from `channel` on, as many as the weights have columns.
  template <typename Prefetch>
  void multiplyAndWrite(const QuantizedRows &rows, long tile, long count, const PackedWeights &filter, long channel,
                        Prefetch &prefetch, long worker) const {
    const long outRow = filter.columns, outPlane = strideOf(count * outRow);
    float *sums = products.of(worker);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const Operand a = rows.operand(p, tile);
      for (long o = 0; o < outRow; o += panel()) {
        gemm(count, panel(), inputs() / 2, a, filter.operand(factorPlane<Algorithm>(p), o, panel()),
             ToMatrix{sums + p * outPlane + o, outRow, false}, prefetch);
      }
    }
    results.write(tile, count, {sums, outRow, outPlane, channel, outRow},
                  reinterpret_cast<Number *>(discarded.of(worker)));
  }
};

// Tiles whose products a thread computes at once.
constexpr long TILES_AT_ONCE = 5 * ROWS;
// Tiles between a prefetch and its transform.
constexpr long TILE_PREFETCH_DISTANCE = 3;

template <typename Algorithm, typename Number>
struct ChannelPartitioned {
  Int16Convolution<Algorithm, Number> work;

  // Partitions output channels: each thread packs its panels while they are in L2, and transforms all tiles for itself,
  // which is faster than core-to-core traffic. Not with a stride, whose transforms take too long.
  static bool isFor(const Int16Convolution<Algorithm, Number> &work) {
    const bool hasStride = Algorithm::STEP != Algorithm::TILE;
    const long panels = work.outputs() / work.panel();
    return !hasStride && work.tiling().count() < work.outputs() && panels >= 2 * work.host.workers;
  }

  // All tiles with one panel.
  void columns(long index, long worker) const {
    const long channel = index * work.panel(), count = work.tiling().count();
    const QuantizedRows rows = work.rows(0, count, worker);
    work.once.run(worker, [&] { work.transform(rows, worker, TILE_PREFETCH_DISTANCE); });
    const PackedWeights filter = work.filter(worker);
    WeightPacking<Algorithm>{work.taps}.pack(channel, filter, 0, work.unquantized.of(worker));
    const long groups = ceilDivide(count, TILES_AT_ONCE);
    ChannelPrefetch prefetch = this->prefetch(channel, groups * ceilDivide(TILES_AT_ONCE, ROWS));
    for (long g = 0; g < groups; g++) {
      const long first = count * g / groups, end = count * (g + 1) / groups;
      work.multiplyAndWrite(rows, first, end - first, filter, channel, prefetch, worker);
    }
  }

  // Prefetches outputs and epilogue operands of some channels, and the weights of the next panel, in `stepsOfPlane`
  // steps per plane.
  ChannelPrefetch prefetch(long channel, long stepsOfPlane) const {
    const long steps = stepsOfPlane * work.PLANES_OF_POINTS;
    const auto &to = work.results.outputTiles;
    const auto &epilogue = work.results.epilogue;
    const auto beside = [&](const Number *image) {
      if (image == nullptr) return StridedPrefetchStream();
      const MemoryRows rows{
          {image + channel, work.panel()}, work.tiling().n * to.height * to.width, to.channels * long{sizeof(Number)}};
      return StridedPrefetchStream(rows, steps);
    };
    const long next = channel + work.panel();
    const MemoryRows filter = next < work.outputs() ? WeightPacking<Algorithm>{work.taps}.rowsOf(next) : MemoryRows{};
    return {{filter, steps}, beside(to.images), beside(epilogue.image), beside(epilogue.features)};
  }

  Outcome run() {
    const long count = work.tiling().count();
    const ScratchSizes sizes{count, min(count, TILES_AT_ONCE), work.host.workers, work.panel()};
    if (!work.reserve(sizes)) return Outcome::OUT_OF_MEMORY;
    parallelFor<ChannelPartitioned, &ChannelPartitioned::columns>(work.host, work.outputs() / work.panel(), *this);
    return Outcome::DONE;
  }
};

// Bytes of transformed tiles and their products of a task.
constexpr long INT16_TASK_BYTES = 700 << 10;
// Each thread packs the weights privately from so many tiles per thread on, and up to so many bytes: packing costs as
// much as the products of ten tiles, a core-to-core transfer may cost more.
constexpr long MIN_TILES_FOR_PRIVATE = 64, MAX_PRIVATE_BYTES = 3 << 19;

template <typename Algorithm, typename Number>
struct TilePartitioned {
  Int16Convolution<Algorithm, Number> work;
  long tasks = 0;

  long tileCount() const { return work.tiling().count(); }
  bool packsPrivately() const {
    const long bytes = WeightPacking<Algorithm>::pairs(work.inputs(), work.outputs()) * long{sizeof(Pair)};
    return tileCount() >= MIN_TILES_FOR_PRIVATE * work.host.workers && bytes <= MAX_PRIVATE_BYTES;
  }
  PackedWeights filterOf(long worker) const { return work.filter(packsPrivately() ? worker : 0); }

  void tiles(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(tileCount()), count = task.count(tileCount());
    if (count == 0) return;
    const PackedWeights filter = filterOf(worker);
    if (packsPrivately()) {
      work.once.run(worker, [&] { WeightPacking<Algorithm>{work.taps}.packAll(filter, work.unquantized.of(worker)); });
    }
    const QuantizedRows rows = work.rows(first, count, worker);
    work.transform(rows, worker, 0);
    TilePrefetch prefetch =
        work.results.prefetch(work.windows, task, work.outputs() / work.panel() * ceilDivide(count, ROWS));
    work.multiplyAndWrite(rows, first, count, filter, 0, prefetch, worker);
  }

  Outcome run() {
    const long perTile = work.PLANES_OF_POINTS * (work.inputs() / 2 + work.outputs()) * long{sizeof(float)};
    const long most = max(ROWS, min(INT16_TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS), workers = work.host.workers;
    tasks = ceilDivide(ceilDivide(tileCount(), most), workers) * workers;
    if (!work.reserve({most, most, packsPrivately() ? workers : 1, work.outputs()})) return Outcome::OUT_OF_MEMORY;
    if (!packsPrivately()) SharedPacking<Algorithm>{{work.taps}, work.filter(0), work.unquantized}.run(work.host);
    parallelFor<TilePartitioned, &TilePartitioned::tiles>(work.host, tasks, *this);
    return Outcome::DONE;
  }
};

// Either partitioning gives the same bits.
template <typename Algorithm, typename Number>
struct Int16Forward {
  const Host &host;
  const Taps taps;
  const TileWindows<const Number> windows;
  const TileResults<Algorithm, Number> results;

  Outcome run() const {
    const Int16Convolution<Algorithm, Number> work{host, taps, windows, results};
    if (ChannelPartitioned<Algorithm, Number>::isFor(work)) return ChannelPartitioned<Algorithm, Number>{work}.run();
    return TilePartitioned<Algorithm, Number>{work}.run();
  }
};

}  // namespace
}  // namespace pefd
