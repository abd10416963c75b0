// The gradient of a 1x1 filter in whole numbers: a product of two matrices over pixels.
#pragma once

#include "pointwise.h"

namespace pefd {
namespace {

// Pixels that a unit of a channel serves: their products are summed in whole numbers.
constexpr long BLOCK_PIXELS = 256;
// Bytes of pixels, as pairs, that the gradient is summed over at once.
constexpr long PIXEL_GROUP_BYTES = 1 << 20;

// The pixels of a group of blocks as pairs: what a channel has in two pixels, one after the other.
template <typename Number>
struct PixelPlanes {
  const Pixels<const Number> pixels;
  // [block][panel of channels][pair of pixels][channel] and [block][channel].
  Pair *pairs = nullptr;
  float *units = nullptr;

  long channels() const { return pixels.channels; }
  long panel() const { return panelOf(channels()); }
  // Of the block's channels, and its pixels, in a group of `count`.
  static long pixelsOf(long block, long count) { return min(BLOCK_PIXELS, count - block * BLOCK_PIXELS); }
  static long pairsOf(long block, long count) { return ceilDivide(pixelsOf(block, count), 2); }
  static long blocksOf(long count) { return ceilDivide(count, BLOCK_PIXELS); }
  Pair *pairsAt(long block, long channel, long count) const {
    return pairs + block * (BLOCK_PIXELS / 2) * channels() + channel * pairsOf(block, count);
  }
  float *unitsAt(long block, long channel) const { return units + block * channels() + channel; }
  Operand operand(long block, long channel, long count) const {
    return {pairsAt(block, channel, count), {1, panel()}, unitsAt(block, channel)};
  }

  // Pointers to a channel in one block of a group's `count` pixels from the `first` on.
  struct Block {
    const Number *pixel[BLOCK_PIXELS];
    long count;
  };
  void at(long first, long count, long block, long channel, Block &found) const {
    found.count = pixelsOf(block, count);
    pixels.list(first + block * BLOCK_PIXELS, found.count, found.pixel);
    for (long t = 0; t < found.count; t++) found.pixel[t] += channel;
  }

  // One panel of channels; what the next one is made of is fetched on the way.
  void write(const Block &from, Pair *to, float *unit, const Block &next) const {
    panel() == PANEL ? writePanel<PANEL / WIDTH>(from, to, unit, next) : writePanel<1>(from, to, unit, next);
  }

 private:
  template <int VECTORS>
  static void writePanel(const Block &from, Pair *to, float *unit, const Block &next) {
    const auto at = [&](long t, int v) { return load(from.pixel[t] + v * WIDTH); };
    Units found[VECTORS];
    unitsAlong(at, from.count, found);
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) store(unit + v * WIDTH, found[v].unit);
    const auto fetching = [&](long t, int v) {
      if (t < next.count) __builtin_prefetch(next.pixel[t] + v * WIDTH, 0, 2);
      return at(t, v);
    };
    writeAlong(fetching, from.count, found, to, VECTORS * WIDTH);
  }
};

template <typename Number>
struct PairPointwiseFilter {
  const Host &host;
  PixelPlanes<Number> x, dy;
  float *const dfilter;
  // The pixels of a group.
  long first = 0, count = 0;

  long inputs() const { return x.channels(); }
  long outputs() const { return dy.channels(); }
  long panels() const { return inputs() / x.panel() + outputs() / dy.panel(); }

  // A panel of channels of a block, and whose they are.
  struct Place {
    const PixelPlanes<Number> &planes;
    long block, channel;
  };
  Place place(long index) const {
    const long ofInputs = inputs() / x.panel(), block = index / panels(), panel = index % panels();
    if (panel < ofInputs) return {x, block, panel * x.panel()};
    return {dy, block, (panel - ofInputs) * dy.panel()};
  }

  void write(long index, long /*worker*/) const {
    const Place here = place(index);
    typename PixelPlanes<Number>::Block from, next;
    next.count = 0;
    here.planes.at(first, count, here.block, here.channel, from);
    // The same thread's next task, probably.
    if (index + 1 < x.blocksOf(count) * panels()) {
      const Place there = place(index + 1);
      there.planes.at(first, count, there.block, there.channel, next);
    }
    here.planes.write(from, here.planes.pairsAt(here.block, here.channel, count),
                      here.planes.unitsAt(here.block, here.channel), next);
  }

  // Sums of a panel of input channels, over the group.
  void product(long index, long /*worker*/) const {
    const long rows = x.panel(), columns = dy.panel(), c = index * rows;
    NothingAhead ahead;
    for (long block = 0; block < x.blocksOf(count); block++) {
      for (long o = 0; o < outputs(); o += columns) {
        multiply(rows, columns, x.pairsOf(block, count), x.operand(block, c, count), dy.operand(block, o, count),
                 ToMatrix{dfilter + c * outputs() + o, outputs(), first > 0 || block > 0}, ahead);
      }
    }
  }

  Outcome run() {
    const long all = x.pixels.count();
    if (all == 0) return zero();
    // Fixed by the sizes alone, so that the order of the sums is, too.
    const long perBlock = BLOCK_PIXELS * (inputs() + outputs()) * 2, blocks = x.blocksOf(all);
    const long groups = ceilDivide(blocks, max(1, PIXEL_GROUP_BYTES / perBlock)), most = ceilDivide(blocks, groups);
    x.pairs = pairScratch(host, PLANES, most * BLOCK_PIXELS / 2 * inputs());
    x.units = scratch(host, POINT_UNITS, most * inputs());
    dy.pairs = pairScratch(host, GRADIENTS, most * BLOCK_PIXELS / 2 * outputs());
    dy.units = scratch(host, GRADIENT_UNITS, most * outputs());
    if (!x.pairs || !x.units || !dy.pairs || !dy.units) return Outcome::OUT_OF_MEMORY;
    for (long g = 0; g < groups; g++) {
      first = blocks * g / groups * BLOCK_PIXELS;
      count = min(all, blocks * (g + 1) / groups * BLOCK_PIXELS) - first;
      parallelFor<PairPointwiseFilter, &PairPointwiseFilter::write>(host, x.blocksOf(count) * panels(), *this);
      parallelFor<PairPointwiseFilter, &PairPointwiseFilter::product>(host, inputs() / x.panel(), *this);
    }
    return Outcome::DONE;
  }

 private:
  // No pixels, no gradient.
  Outcome zero() const {
    for (long i = 0; i < inputs() * outputs(); i++) dfilter[i] = 0;
    return Outcome::DONE;
  }
};

template <typename Number>
Outcome pointwiseFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                                float *dfilter) {
  return PairPointwiseFilter<Number>{host, {pixelsOfInput(conv, x)}, {pixelsOfOutput(conv, dy)}, dfilter}.run();
}

}  // namespace
}  // namespace pefd
