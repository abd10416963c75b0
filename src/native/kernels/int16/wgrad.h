// int16 Winograd wgrad: both operands quantized with scales per channel and block of tiles.
#pragma once

#include "../winograd/wgrad.h"
#include "gemm.h"
#include "packed_weights.h"
#include "quantize.h"

namespace pefd {
namespace {

// Tiles that share a scale per channel and are summed in int32.
constexpr long BLOCK_TILES = 64;
// Channels that one task transforms.
constexpr long TASK_CHANNELS = 64;
// Bytes of quantized tiles that are summed at once.
constexpr long INT16_GROUP_BYTES = 4 << 20;
// Partial sums at most, and how much larger than the sums the operands must be.
constexpr long MAX_PARTS = 2, MIN_SUMMED = 6;

// Quantized tiles of one operand: pairs of two tiles of one channel.
template <typename Number, int SIZE, int POINTS, void (&oneAxis)(const Vector (&)[SIZE], Vector (&)[POINTS])>
struct QuantizedPlanes {
  static constexpr int PLANES_OF_POINTS = POINTS * POINTS;
  // Floats of a plane of one block, a vector of channels wide.
  static constexpr long PLANE = strideOf(BLOCK_TILES * WIDTH);
  const TileWindows<const Number> windows;
  // [plane][block of tiles][panel of channels][pair of tiles][channel] and [plane][block of tiles][channel].
  Pair *pairs = nullptr;
  float *scales = nullptr;

  long channels() const { return windows.channels; }
  static long pairsOf(long tiles) { return ceilDivide(tiles, 2); }
  static long blocksOf(long tiles) { return ceilDivide(tiles, BLOCK_TILES); }
  long plane(long tiles) const { return strideOf(pairsOf(tiles) * channels()); }
  long scalePlane(long tiles) const { return blocksOf(tiles) * channels(); }

  long panel() const { return panelOf(channels()); }
  static long tilesOf(long block, long tiles) { return min(BLOCK_TILES, tiles - block * BLOCK_TILES); }
  // A channel of a block in the first plane.
  Pair *pairsAt(long block, long channel, long tiles) const {
    const long inPanel = channel % panel();
    return pairs + pairsOf(block * BLOCK_TILES) * channels() + (channel - inPanel) * pairsOf(tilesOf(block, tiles)) +
           inPanel;
  }

  // One panel of one plane and block.
  Operand operand(long p, long block, long channel, long tiles) const {
    return {pairsAt(block, channel, tiles) + p * plane(tiles),
            {1, panel()},
            scales + p * scalePlane(tiles) + block * channels() + channel};
  }

  // Transforms and quantizes some channels of one block of a group; `unquantized` is scratch memory for a vector of
  // them.
  void transform(const Tiling &tiling, long first, long tiles, long block, long channel, long end, const Number *zeros,
                 float *unquantized) const {
    const long from = block * BLOCK_TILES, count = tilesOf(block, tiles);
    const Number *pixels[BLOCK_TILES][SIZE * SIZE];
    for (long t = 0; t < count; t++) {
      windows.template pixels<SIZE>(tiling.place(first + from + t), zeros, pixels[t]);
    }
    for (long t = 0; t < min(PREFETCH_DISTANCE, count); t++) windows.template fetch<SIZE>(pixels[t], channel, end);
    for (long c = channel; c < end; c += WIDTH) {
      transformVector(pixels, count, tiles, block, c, c == channel ? end : c, unquantized);
    }
  }

 private:
  // Tiles between a prefetch and its use.
  static constexpr long PREFETCH_DISTANCE = 8;

  // One vector of channels; prefetches those up to `fetched`.
  void transformVector(const Number *const (&pixels)[BLOCK_TILES][SIZE * SIZE], long count, long tiles, long block,
                       long channel, long fetched, float *unquantized) const {
    for (long t = 0; t < count; t++) {
      if (t + PREFETCH_DISTANCE < count) windows.template fetch<SIZE>(pixels[t + PREFETCH_DISTANCE], channel, fetched);
      const Number *const(&pixel)[SIZE * SIZE] = pixels[t];
      onBothAxes<SIZE, POINTS>(
          oneAxis, [&](int i, int j) { return load(pixel[i * SIZE + j] + channel); },
          [&](int i, const Vector(&row)[POINTS]) {
#pragma GCC unroll 16
            for (int j = 0; j < POINTS; j++) store(unquantized + (i * POINTS + j) * PLANE + t * WIDTH, row[j]);
          });
    }
    const auto planeAt = [&](long p) { return [=](long t, int) { return load(unquantized + p * PLANE + t * WIDTH); }; };
    Pair *const to = pairsAt(block, channel, tiles);
    // Scales are computed one plane ahead, to hide the latency of square roots and divisions.
    Scales next[1];
    columnScales(planeAt(0), count, next);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const Scales found[] = {next[0]};
      if (p + 1 < PLANES_OF_POINTS) columnScales(planeAt(p + 1), count, next);
      store(scales + p * scalePlane(tiles) + block * channels() + channel, found[0].scale);
      quantizeColumns(planeAt(p), count, found, to + p * plane(tiles), panel());
    }
  }
};

// A partial sum over a range of the tiles, a group at a time.
template <typename Algorithm, typename Number>
struct PartialWgrad {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  static constexpr int PLANES_OF_FACTORS = Algorithm::FACTORS * Algorithm::FACTORS;
  QuantizedPlanes<Number, Algorithm::WINDOW, POINTS, Algorithm::input> x;
  QuantizedPlanes<Number, Algorithm::TILE, POINTS, Algorithm::outputTransposed> dy;
  // [plane of factors][inputs][outputs]
  float *sums = nullptr;
  long sumPlane = 0;
  // The whole range, and the current group.
  long firstOfAll = 0, end = 0, first = 0, count = 0;

  long inputs() const { return x.channels(); }
  long outputs() const { return dy.channels(); }
  long blocks() const { return x.blocksOf(end - firstOfAll); }
  // Slices of both operands' channels.
  static long slicesOf(long channels) { return ceilDivide(channels, TASK_CHANNELS); }
  long slices() const { return slicesOf(inputs()) + slicesOf(outputs()); }
  // GEMM tasks: one per weight plane and panel of input channels.
  long products() const { return PLANES_OF_FACTORS * (inputs() / x.panel()); }

  // Selects a group.
  void take(long group, long groups) {
    first = firstOfAll + blocks() * group / groups * BLOCK_TILES;
    count = min(end, firstOfAll + blocks() * (group + 1) / groups * BLOCK_TILES) - first;
  }

  void transform(const Tiling &tiling, long index, const Number *zeros, float *unquantized) const {
    const long block = index / slices(), slice = index % slices(), ofOutputs = slice - slicesOf(inputs());
    if (block >= x.blocksOf(count)) return;
    const auto run = [&](const auto &planes, long slice) {
      const long channel = slice * TASK_CHANNELS, end = min(planes.channels(), channel + TASK_CHANNELS);
      planes.transform(tiling, first, count, block, channel, end, zeros, unquantized);
    };
    if (ofOutputs < 0) return run(x, slice);
    run(dy, ofOutputs);
  }

  // One weight plane and some input channels, summed over all input planes that meet it.
  void product(const Tiling &tiling, long index) const {
    if (count == 0) return;
    const long rows = x.panel(), columns = dy.panel();
    const long panels = inputs() / rows, factors = index / panels, c = index % panels * rows;
    bool accumulate = first > firstOfAll;
    const long steps =
        pointsOf<Algorithm>(factors) * x.blocksOf(count) * (outputs() / columns) * ceilDivide(rows, ROWS);
    const long next = first + count, others = min(count, end - next);
    WgradPrefetch prefetch{{rowsOf(x.windows, tiling, next, others, Algorithm::WINDOW).part(index, products()), steps},
                           {rowsOf(dy.windows, tiling, next, others, Algorithm::TILE).part(index, products()), steps}};
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      if (factorPlane<Algorithm>(p) != factors) continue;
      for (long block = 0; block < x.blocksOf(count); block++) {
        const long depth = x.pairsOf(x.tilesOf(block, count));
        const Operand a = x.operand(p, block, c, count);
        for (long o = 0; o < outputs(); o += columns) {
          gemm(rows, columns, depth, a, dy.operand(p, block, o, count),
               ToMatrix{sums + factors * sumPlane + c * outputs() + o, outputs(), accumulate}, prefetch);
        }
        accumulate = true;
      }
    }
  }
};

template <typename Algorithm, typename Number>
struct Int16FilterGradient {
  using Sums = PartialWgrad<Algorithm, Number>;
  const Host &host;
  const Tiling tiling;
  const TileWindows<const Number> windows, tiles;
  const FilterTaps<Algorithm> taps;
  const Number *zeros = nullptr;
  WorkerMemory unquantized = {}, sums = {};
  // Tasks are numbered range by range: two threads work on one range each, and share nothing that is written.
  Sums parts[MAX_PARTS] = {{{windows}, {tiles}}, {{windows}, {tiles}}};
  long partCount = 0, blocksAtOnce = 0;

  long transforms() const { return blocksAtOnce * parts[0].slices(); }
  void transform(long index, long worker) const {
    parts[index / transforms()].transform(tiling, index % transforms(), zeros, unquantized.of(worker));
  }
  void product(long index, long /*worker*/) const {
    parts[index / parts[0].products()].product(tiling, index % parts[0].products());
  }

  // Depends on shapes alone, and so does the reduction order: two ranges where sums are small compared with the
  // operands.
  long partsOf(long blocks) const {
    const long inputs = taps.inputs, outputs = taps.outputs;
    const long summed = Sums::PLANES_OF_POINTS * tiling.count() * (inputs + outputs) * 2;
    const long sums = Sums::PLANES_OF_FACTORS * inputs * outputs * long{sizeof(float)};
    return summed >= MIN_SUMMED * sums ? min(blocks, MAX_PARTS) : 1;
  }

  bool reserve(long blocks) {
    const Sums &any = parts[0];
    const long planes = Sums::PLANES_OF_POINTS, most = blocksAtOnce * BLOCK_TILES;
    const long sumFloats = Sums::PLANES_OF_FACTORS * taps.plane();
    zeros = zerosScratch<Number>(host, max(taps.inputs, taps.outputs));
    unquantized = workerScratch(host, UNQUANTIZED, planes * decltype(any.x)::PLANE);
    const WorkerMemory x = scratchFor(host, PLANES, partCount, planes * any.x.plane(most));
    const WorkerMemory xScales = scratchFor(host, ACTIVATION_SCALES, partCount, planes * any.x.scalePlane(most));
    const WorkerMemory dy = scratchFor(host, GRADIENTS, partCount, planes * any.dy.plane(most));
    const WorkerMemory dyScales = scratchFor(host, GRADIENT_SCALES, partCount, planes * any.dy.scalePlane(most));
    sums = scratchFor(host, SUMS, partCount, sumFloats);
    if (!zeros || !unquantized.memory || !x.memory || !xScales.memory || !dy.memory || !dyScales.memory ||
        !sums.memory) {
      return false;
    }
    for (long i = 0; i < partCount; i++) {
      Sums &part = parts[i];
      part.x.pairs = reinterpret_cast<Pair *>(x.of(i));
      part.x.scales = xScales.of(i);
      part.dy.pairs = reinterpret_cast<Pair *>(dy.of(i));
      part.dy.scales = dyScales.of(i);
      part.sums = sums.of(i);
      part.sumPlane = taps.plane();
      part.firstOfAll = blocks * i / partCount * BLOCK_TILES;
      part.end = min(tiling.count(), blocks * (i + 1) / partCount * BLOCK_TILES);
    }
    return true;
  }

  Outcome run() {
    if (tiling.count() == 0) return taps.zero();
    const long perTile = Sums::PLANES_OF_POINTS * (taps.inputs + taps.outputs) * 2;
    const long blocks = ceilDivide(tiling.count(), BLOCK_TILES);
    partCount = partsOf(blocks);
    const long blocksOfPart = ceilDivide(blocks, partCount);
    const long groups = ceilDivide(blocksOfPart, max(1, INT16_GROUP_BYTES / partCount / perTile / BLOCK_TILES));
    blocksAtOnce = ceilDivide(blocksOfPart, groups);
    if (!reserve(blocks)) return Outcome::OUT_OF_MEMORY;
    for (long g = 0; g < groups; g++) {
      for (long i = 0; i < partCount; i++) parts[i].take(g, groups);
      parallelFor<Int16FilterGradient, &Int16FilterGradient::transform>(host, partCount * transforms(), *this);
      parallelFor<Int16FilterGradient, &Int16FilterGradient::product>(host, partCount * parts[0].products(), *this);
    }
    taps.transformBack(host, sums, partCount);
    return Outcome::DONE;
  }
};

template <typename Algorithm, typename Number>
Outcome int16FilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                            float *dfilter) {
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return Int16FilterGradient<Algorithm, Number>{host,
                                                tilingOf<Algorithm>(conv.n, height, width),
                                                windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                                                tilesOf<Algorithm>(dy, height, width, conv.outputs),
                                                {conv.inputs, conv.outputs, dfilter}}
      .run();
}

}  // namespace
}  // namespace pefd
