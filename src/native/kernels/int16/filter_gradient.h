// The gradient of the filter in whole numbers.
#pragma once

#include "../tiled/filter_gradient.h"
#include "filter.h"
#include "lists.h"
#include "product.h"

namespace pefd {
namespace {

// Tiles that a unit of a channel serves: their products are summed in whole numbers.
constexpr long BLOCK_TILES = 64;
// Channels that one task transforms.
constexpr long TASK_CHANNELS = 64;
// Bytes of transformed tiles, as pairs, that the gradient is summed over at once.
constexpr long PAIR_GROUP_BYTES = 4 << 20;
// Parts of the tiles that have sums of their own, at most; and how many times as much memory as those what is summed takes then.
constexpr long MOST_PARTS = 2, LEAST_SUMMED = 6;

// Squares of tiles, transformed to planes of pairs: what a channel has in two tiles, one after the other.
template <typename Number, int SIZE, int POINTS, void (&oneAxis)(const Vector (&)[SIZE], Vector (&)[POINTS])>
struct PairPlanes {
  static constexpr int PLANES_OF_POINTS = POINTS * POINTS;
  // Floats of one plane of a block's tiles, a vector of channels each.
  static constexpr long PLANE = strideOf(BLOCK_TILES * WIDTH);
  const Squares<const Number> squares;
  // [plane][block of tiles][panel of channels][pair of tiles][channel] and [plane][block of tiles][channel].
  Pair *pairs = nullptr;
  float *units = nullptr;

  long channels() const { return squares.channels; }
  static long pairsOf(long tiles) { return ceilDivide(tiles, 2); }
  static long blocksOf(long tiles) { return ceilDivide(tiles, BLOCK_TILES); }
  long plane(long tiles) const { return strideOf(pairsOf(tiles) * channels()); }
  long unitPlane(long tiles) const { return blocksOf(tiles) * channels(); }

  long panel() const { return panelOf(channels()); }
  static long tilesOf(long block, long tiles) { return min(BLOCK_TILES, tiles - block * BLOCK_TILES); }
  // Of a channel in the first plane of a group's block.
  Pair *pairsAt(long block, long channel, long tiles) const {
    const long inPanel = channel % panel();
    return pairs + pairsOf(block * BLOCK_TILES) * channels() + (channel - inPanel) * pairsOf(tilesOf(block, tiles)) +
           inPanel;
  }

  // One panel of one plane and block, as rows or columns of channels.
  Operand operand(long p, long block, long channel, long tiles) const {
    return {pairsAt(block, channel, tiles) + p * plane(tiles), {1, panel()},
            units + p * unitPlane(tiles) + block * channels() + channel};
  }

  // Some channels of one block of a group's `tiles`; `unscaled` has room for a vector of them in that block.
  void transform(const Tiling &tiling, long first, long tiles, long block, long channel, long end, const Number *zeros,
                 float *unscaled) const {
    const long from = block * BLOCK_TILES, count = tilesOf(block, tiles);
    const Number *pixels[BLOCK_TILES][SIZE * SIZE];
    for (long t = 0; t < count; t++) {
      squares.template pixels<SIZE>(tiling.place(first + from + t), zeros, pixels[t]);
    }
    for (long t = 0; t < min(AHEAD, count); t++) squares.template fetch<SIZE>(pixels[t], channel, end);
    for (long c = channel; c < end; c += WIDTH) {
      transformVector(pixels, count, tiles, block, c, c == channel ? end : c, unscaled);
    }
  }

 private:
  // How many tiles before it is needed memory is fetched.
  static constexpr long AHEAD = 8;

  // One vector of channels; those up to `fetched` are fetched on the way.
  void transformVector(const Number *const (&pixels)[BLOCK_TILES][SIZE * SIZE], long count, long tiles, long block,
                       long channel, long fetched, float *unscaled) const {
    for (long t = 0; t < count; t++) {
      if (t + AHEAD < count) squares.template fetch<SIZE>(pixels[t + AHEAD], channel, fetched);
      const Number *const (&pixel)[SIZE * SIZE] = pixels[t];
      onBothAxes<SIZE, POINTS>(
          oneAxis, [&](int i, int j) { return load(pixel[i * SIZE + j] + channel); },
          [&](int i, const Vector(&row)[POINTS]) {
#pragma GCC unroll 16
            for (int j = 0; j < POINTS; j++) store(unscaled + (i * POINTS + j) * PLANE + t * WIDTH, row[j]);
          });
    }
    const auto planeAt = [&](long p) { return [=](long t, int) { return load(unscaled + p * PLANE + t * WIDTH); }; };
    Pair *const to = pairsAt(block, channel, tiles);
    // Units are found one plane ahead: what they are made by takes long, and nothing waits for it so.
    Units next[1];
    unitsAlong(planeAt(0), count, next);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const Units found[] = {next[0]};
      if (p + 1 < PLANES_OF_POINTS) unitsAlong(planeAt(p + 1), count, next);
      store(units + p * unitPlane(tiles) + block * channels() + channel, found[0].unit);
      writeAlong(planeAt(p), count, found, to + p * plane(tiles), panel());
    }
  }
};

// A part of the tiles, a group of which is transformed and summed over at once.
template <typename Algorithm, typename Number>
struct PairSums {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  static constexpr int PLANES_OF_FACTORS = Algorithm::FACTORS * Algorithm::FACTORS;
  PairPlanes<Number, Algorithm::WINDOW, POINTS, Algorithm::input> x;
  PairPlanes<Number, Algorithm::TILE, POINTS, Algorithm::outputTransposed> dy;
  // [plane of factors][inputs][outputs]
  float *sums = nullptr;
  long sumPlane = 0;
  // All its tiles, and those of the group.
  long firstOfAll = 0, end = 0, first = 0, count = 0;

  long inputs() const { return x.channels(); }
  long outputs() const { return dy.channels(); }
  long blocks() const { return x.blocksOf(end - firstOfAll); }
  // Slices of both images' channels.
  static long slicesOf(long channels) { return ceilDivide(channels, TASK_CHANNELS); }
  long slices() const { return slicesOf(inputs()) + slicesOf(outputs()); }
  // Tasks that sum: one for each plane of factors and panel of input channels.
  long products() const { return PLANES_OF_FACTORS * (inputs() / x.panel()); }

  // One group of so many.
  void take(long group, long groups) {
    first = firstOfAll + blocks() * group / groups * BLOCK_TILES;
    count = min(end, firstOfAll + blocks() * (group + 1) / groups * BLOCK_TILES) - first;
  }

  void transform(const Tiling &tiling, long index, const Number *zeros, float *unscaled) const {
    const long block = index / slices(), slice = index % slices(), ofOutputs = slice - slicesOf(inputs());
    if (block >= x.blocksOf(count)) return;
    const auto run = [&](const auto &planes, long slice) {
      const long channel = slice * TASK_CHANNELS, end = min(planes.channels(), channel + TASK_CHANNELS);
      planes.transform(tiling, first, count, block, channel, end, zeros, unscaled);
    };
    if (ofOutputs < 0) return run(x, slice);
    run(dy, ofOutputs);
  }

  // Sums of one plane of factors and some input channels, over all points that meet those factors.
  void product(const Tiling &tiling, long index) const {
    if (count == 0) return;
    const long rows = x.panel(), columns = dy.panel();
    const long panels = inputs() / rows, factors = index / panels, c = index % panels * rows;
    bool accumulate = first > firstOfAll;
    const long steps =
        pointsOf<Algorithm>(factors) * x.blocksOf(count) * (outputs() / columns) * ceilDivide(rows, ROWS);
    const long next = first + count, others = min(count, end - next);
    ImagesAhead ahead{{rowsOf(x.squares, tiling, next, others, Algorithm::WINDOW).part(index, products()), steps},
                      {rowsOf(dy.squares, tiling, next, others, Algorithm::TILE).part(index, products()), steps}};
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      if (factorPlane<Algorithm>(p) != factors) continue;
      for (long block = 0; block < x.blocksOf(count); block++) {
        const long depth = x.pairsOf(x.tilesOf(block, count));
        const Operand a = x.operand(p, block, c, count);
        for (long o = 0; o < outputs(); o += columns) {
          multiply(rows, columns, depth, a, dy.operand(p, block, o, count),
                   ToMatrix{sums + factors * sumPlane + c * outputs() + o, outputs(), accumulate}, ahead);
        }
        accumulate = true;
      }
    }
  }
};

// The gradient of the filter: both images transformed, products summed over tiles, and the sums transformed back.
template <typename Algorithm, typename Number>
struct PairFilterGradient {
  using Sums = PairSums<Algorithm, Number>;
  const Host &host;
  const Tiling tiling;
  const Squares<const Number> windows, tiles;
  const FilterTaps<Algorithm> taps;
  const Number *zeros = nullptr;
  WorkerMemory unscaled = {}, sums = {};
  // Tasks are numbered part by part: two threads work on a part each, and read nothing that the other has written.
  Sums parts[MOST_PARTS] = {{{windows}, {tiles}}, {{windows}, {tiles}}};
  long partCount = 0, blocksAtOnce = 0;

  long transforms() const { return blocksAtOnce * parts[0].slices(); }
  void transform(long index, long worker) const {
    parts[index / transforms()].transform(tiling, index % transforms(), zeros, unscaled.of(worker));
  }
  void product(long index, long /*worker*/) const {
    parts[index / parts[0].products()].product(tiling, index % parts[0].products());
  }

  // By the sizes alone, so that the order of the sums is fixed by them, too: where sums take less memory than what is summed.
  long partsOf(long blocks) const {
    const long inputs = taps.inputs, outputs = taps.outputs;
    const long summed = Sums::PLANES_OF_POINTS * tiling.count() * (inputs + outputs) * 2;
    const long sums = Sums::PLANES_OF_FACTORS * inputs * outputs * long{sizeof(float)};
    return summed >= LEAST_SUMMED * sums ? min(blocks, MOST_PARTS) : 1;
  }

  bool reserve(long blocks) {
    const Sums &any = parts[0];
    const long planes = Sums::PLANES_OF_POINTS, most = blocksAtOnce * BLOCK_TILES;
    const long sumFloats = Sums::PLANES_OF_FACTORS * taps.plane();
    zeros = zerosScratch<Number>(host, max(taps.inputs, taps.outputs));
    unscaled = workerScratch(host, UNSCALED, planes * decltype(any.x)::PLANE);
    const WorkerMemory x = scratchFor(host, PLANES, partCount, planes * any.x.plane(most));
    const WorkerMemory xUnits = scratchFor(host, POINT_UNITS, partCount, planes * any.x.unitPlane(most));
    const WorkerMemory dy = scratchFor(host, GRADIENTS, partCount, planes * any.dy.plane(most));
    const WorkerMemory dyUnits = scratchFor(host, GRADIENT_UNITS, partCount, planes * any.dy.unitPlane(most));
    sums = scratchFor(host, SUMS, partCount, sumFloats);
    if (!zeros || !unscaled.memory || !x.memory || !xUnits.memory || !dy.memory || !dyUnits.memory || !sums.memory) {
      return false;
    }
    for (long i = 0; i < partCount; i++) {
      Sums &part = parts[i];
      part.x.pairs = reinterpret_cast<Pair *>(x.of(i));
      part.x.units = xUnits.of(i);
      part.dy.pairs = reinterpret_cast<Pair *>(dy.of(i));
      part.dy.units = dyUnits.of(i);
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
    const long groups = ceilDivide(blocksOfPart, max(1, PAIR_GROUP_BYTES / partCount / perTile / BLOCK_TILES));
    blocksAtOnce = ceilDivide(blocksOfPart, groups);
    if (!reserve(blocks)) return Outcome::OUT_OF_MEMORY;
    for (long g = 0; g < groups; g++) {
      for (long i = 0; i < partCount; i++) parts[i].take(g, groups);
      parallelFor<PairFilterGradient, &PairFilterGradient::transform>(host, partCount * transforms(), *this);
      parallelFor<PairFilterGradient, &PairFilterGradient::product>(host, partCount * parts[0].products(), *this);
    }
    taps.transformBack(host, sums, partCount);
    return Outcome::DONE;
  }
};

template <typename Algorithm, typename Number>
Outcome pairFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                           float *dfilter) {
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return PairFilterGradient<Algorithm, Number>{host,
                                               tilingOf<Algorithm>(conv.n, height, width),
                                               windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                                               tilesOf<Algorithm>(dy, height, width, conv.outputs),
                                               {conv.inputs, conv.outputs, dfilter}}
      .run();
}

}  // namespace
}  // namespace pefd
