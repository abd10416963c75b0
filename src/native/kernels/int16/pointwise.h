// int16 1x1 convolutions: forward, dgrad and wgrad as GEMMs over pixels.
#pragma once

#include "../common.h"
#include "../prefetch.h"
#include "../winograd/output_transform.h"
#include "gemm.h"
#include "packed_weights.h"
#include "quantize.h"
#include "quantized_tiles.h"

namespace pefd {
namespace {

// Images [n, height, width, channels] of which every `apart`-th pixel in both directions is used.
template <typename Number>
struct Pixels {
  Number *images;
  long n, height, width, channels, apart;

  long rows() const { return ceilDivide(height, apart); }
  long columns() const { return ceilDivide(width, apart); }
  long count() const { return n * rows() * columns(); }

  struct Place {
    long image, y, x;
  };
  Place place(long pixel) const {
    const long inImage = pixel % (rows() * columns());
    return {pixel / (rows() * columns()), inImage / columns() * apart, inImage % columns() * apart};
  }
  Number *at(Place place) const { return images + ((place.image * height + place.y) * width + place.x) * channels; }
  Number *at(long pixel) const { return apart == 1 ? images + pixel * channels : at(place(pixel)); }

  // Pointers to some pixels.
  void list(long first, long count, Number **to) const {
    if (count == 0) return;
    Place next = place(first);
    for (long t = 0; t < count; t++) {
      to[t] = at(next);
      next.x += apart;
      if (next.x < width) continue;
      next.x = 0;
      next.y += apart;
      if (next.y < height) continue;
      next.y = 0;
      next.image++;
    }
  }

  // The memory range of some pixels.
  MemoryRange row(long first, long some) const {
    const long end = min(first + some, count());
    if (first >= end) return {};
    return {at(first), at(end - 1) + channels - at(first)};
  }
};

// Bytes of quantized pixels of a task.
constexpr long PIXEL_TASK_BYTES = 128 << 10;
// Bytes of quantized weights that stay in L2.
constexpr long L2_FILTER_BYTES = 512 << 10;
// Pixels of a task, at most.
constexpr long TASK_PIXELS = 8 * ROWS;

// Output to pixels, after the epilogue.
template <typename Number>
struct ToPixels {
  Number *const *pixel;
  const Number *images;
  long channel;
  const EpilogueOf<Number> &epilogue;

  ToPixels from(long row) const { return {pixel + row, images, channel, epilogue}; }
  inline void put(long row, long column, Vector sum) const {
    Number *to = pixel[row] + channel + column;
    const Lanes all(WIDTH);
    store(to, applyEpilogue(epilogue, all, to - images, biasOf(epilogue, all, channel + column), sum));
  }
};

template <typename Number>
struct Int16Pointwise {
  using Packing = WeightPacking<OneTap>;
  const Host &host;
  const Taps taps;
  const Pixels<const Number> from;
  const Pixels<Number> to;
  const EpilogueOf<Number> epilogue;
  long tasks = 0, most = 0;
  PackedWeights packed = {};
  // Per thread: quantized pixels and their scales.
  WorkerMemory pairs = {}, scales = {};

  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  // Pairs per pixel, rounded up: pairs are written two vectors at a time.
  long row() const { return strideOf(QuantizedRows::row(inputs())); }

  void pixels(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(from.count()), count = task.count(from.count());
    if (count == 0) return;
    Pair *const rows = reinterpret_cast<Pair *>(pairs.of(worker));
    quantize(first, count, rows, scales.of(worker));
    Number *pixel[TASK_PIXELS];
    to.list(first, count, pixel);
    const long panel = panelOf(outputs()), depth = inputs() / 2;
    TilePrefetch prefetch = this->prefetch(task, outputs() / panel * ceilDivide(count, ROWS));
    // Weights that fit L2 pass once per block of rows, so that outputs are written sequentially.
    const long some = depth * outputs() * long{sizeof(Pair)} <= L2_FILTER_BYTES ? ROWS : count;
    for (long r = 0; r < count; r += some) {
      const Operand a{rows + r * row(), {row(), 1}, scales.of(worker) + r};
      for (long o = 0; o < outputs(); o += panel) {
        const Operand b = packed.operand(0, o, panel);
        gemm(min(some, count - r), panel, depth, a, b, ToPixels<Number>{pixel + r, to.images, o, epilogue}, prefetch);
      }
    }
    if (to.apart > from.apart) {
      for (long t = 0; t < count; t++) writeSkippedPixels(to.place(first + t));
    }
  }

  void quantize(long first, long count, Pair *rows, float *scale) const {
    const Number *list[TASK_PIXELS + WIDTH];
    from.list(first, count, list);
    // Scales are computed for WIDTH pixels at a time; the last pixel fills up.
    for (long t = count; t % WIDTH != 0; t++) list[t] = list[count - 1];
    for (long t = 0; t < count; t += WIDTH) {
      const Scales found = rowScales<WIDTH>([&](int i) { return list[t + i]; }, inputs());
      for (long i = 0; i < min(WIDTH, count - t); i++) {
        scale[t + i] = found.scale[i];
        quantizeRow(list[t + i], inputs(), found.inverse[i], rows + (t + i) * row());
      }
    }
  }

  // Prefetches the task's outputs and epilogue operands, and the next task's input.
  TilePrefetch prefetch(const TileTask &task, long steps) const {
    const long count = from.count();
    const TileTask next = task.next();
    const MemoryRange read = next.isThere() ? from.row(next.first(count), next.count(count)) : MemoryRange{};
    return prefetchOf(to.row(task.first(count), task.count(count)), to.images, epilogue, read, steps);
  }

  // Applies the epilogue to the zeros of skipped pixels.
  void writeSkippedPixels(typename Pixels<Number>::Place at) const {
    const Lanes all(WIDTH);
    for (long y = at.y; y < min(at.y + to.apart, to.height); y++) {
      for (long x = at.x; x < min(at.x + to.apart, to.width); x++) {
        if (y == at.y && x == at.x) continue;
        Number *pixel = to.at({at.image, y, x});
        for (long c = 0; c < to.channels; c += WIDTH) {
          store(pixel + c, applyEpilogue(epilogue, all, pixel + c - to.images, biasOf(epilogue, all, c), Vector{}));
        }
      }
    }
  }

  Outcome run() {
    most = max(ROWS, min(PIXEL_TASK_BYTES / (row() * long{sizeof(Pair)}), TASK_PIXELS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(from.count(), most), host.workers) * host.workers;
    packed = {pairScratch(host, PACKED, Packing::pairs(inputs(), outputs())), scratch(host, WEIGHT_SCALES, outputs()),
              inputs(), outputs()};
    const WorkerMemory transposed = workerScratch(host, UNQUANTIZED, max(1, Packing::transposedFloats(taps)));
    pairs = workerScratch(host, PLANES, most * row());
    scales = workerScratch(host, ACTIVATION_SCALES, most);
    if (!packed.pairs || !packed.scales || !transposed.memory || !pairs.memory || !scales.memory)
      return Outcome::OUT_OF_MEMORY;
    SharedPacking<OneTap>{{taps}, packed, transposed}.run(host);
    parallelFor<Int16Pointwise, &Int16Pointwise::pixels>(host, tasks, *this);
    return Outcome::DONE;
  }
};

// Pixels of x (or dx) that a 1x1 convolution uses, and those of y (or dy).
template <typename Number>
Pixels<Number> pixelsOfInput(const Convolution &conv, Number *x) {
  return {x, conv.n, conv.h, conv.w, conv.inputs, conv.stride};
}
template <typename Number>
Pixels<Number> pixelsOfOutput(const Convolution &conv, Number *y) {
  return {y, conv.n, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs, 1};
}

template <typename Number>
Outcome pointwiseForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                         EpilogueOf<Number> epilogue, Number *y) {
  const Taps taps{filter, conv.inputs, conv.outputs, false};
  return Int16Pointwise<Number>{host, taps, pixelsOfInput(conv, x), pixelsOfOutput(conv, y), epilogue}.run();
}

template <typename Number>
Outcome pointwiseInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                               EpilogueOf<Number> epilogue, Number *dx) {
  const Taps taps{filter, conv.outputs, conv.inputs, true};
  return Int16Pointwise<Number>{host, taps, pixelsOfOutput(conv, dy), pixelsOfInput(conv, dx), epilogue}.run();
}

// Pixels that share a scale per channel and are summed in int32.
constexpr long BLOCK_PIXELS = 256;
// Bytes of quantized pixels that wgrad sums at once.
constexpr long PIXEL_GROUP_BYTES = 1 << 20;

// Quantized pixels of a group of blocks: pairs of two pixels of one channel.
template <typename Number>
struct QuantizedPixels {
  const Pixels<const Number> pixels;
  // [block][panel of channels][pair of pixels][channel] and [block][channel].
  Pair *pairs = nullptr;
  float *scales = nullptr;

  long channels() const { return pixels.channels; }
  long panel() const { return panelOf(channels()); }
  // Pixels and pairs of a block in a group of `count` pixels.
  static long pixelsOf(long block, long count) { return min(BLOCK_PIXELS, count - block * BLOCK_PIXELS); }
  static long pairsOf(long block, long count) { return ceilDivide(pixelsOf(block, count), 2); }
  static long blocksOf(long count) { return ceilDivide(count, BLOCK_PIXELS); }
  Pair *pairsAt(long block, long channel, long count) const {
    return pairs + block * (BLOCK_PIXELS / 2) * channels() + channel * pairsOf(block, count);
  }
  float *scalesAt(long block, long channel) const { return scales + block * channels() + channel; }
  Operand operand(long block, long channel, long count) const {
    return {pairsAt(block, channel, count), {1, panel()}, scalesAt(block, channel)};
  }

  // Pointers to a channel of one block's pixels.
  struct Block {
    const Number *pixel[BLOCK_PIXELS];
    long count;
  };
  void at(long first, long count, long block, long channel, Block &found) const {
    found.count = pixelsOf(block, count);
    pixels.list(first + block * BLOCK_PIXELS, found.count, found.pixel);
    for (long t = 0; t < found.count; t++) found.pixel[t] += channel;
  }

  // Quantizes one panel of channels, and prefetches the next.
  void write(const Block &from, Pair *to, float *scale, const Block &next) const {
    panel() == PANEL ? writePanel<PANEL / WIDTH>(from, to, scale, next) : writePanel<1>(from, to, scale, next);
  }

 private:
  template <int VECTORS>
  static void writePanel(const Block &from, Pair *to, float *scale, const Block &next) {
    const auto at = [&](long t, int v) { return load(from.pixel[t] + v * WIDTH); };
    Scales found[VECTORS];
    columnScales(at, from.count, found);
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) store(scale + v * WIDTH, found[v].scale);
    const auto fetching = [&](long t, int v) {
      if (t < next.count) __builtin_prefetch(next.pixel[t] + v * WIDTH, 0, 2);
      return at(t, v);
    };
    quantizeColumns(fetching, from.count, found, to, VECTORS * WIDTH);
  }
};

template <typename Number>
struct Int16PointwiseFilterGradient {
  const Host &host;
  QuantizedPixels<Number> x, dy;
  float *const dfilter;
  // The current group.
  long first = 0, count = 0;

  long inputs() const { return x.channels(); }
  long outputs() const { return dy.channels(); }
  long panels() const { return inputs() / x.panel() + outputs() / dy.panel(); }

  // A panel of channels of a block of either operand.
  struct Place {
    const QuantizedPixels<Number> &planes;
    long block, channel;
  };
  Place place(long index) const {
    const long ofInputs = inputs() / x.panel(), block = index / panels(), panel = index % panels();
    if (panel < ofInputs) return {x, block, panel * x.panel()};
    return {dy, block, (panel - ofInputs) * dy.panel()};
  }

  void write(long index, long /*worker*/) const {
    const Place here = place(index);
    typename QuantizedPixels<Number>::Block from, next;
    next.count = 0;
    here.planes.at(first, count, here.block, here.channel, from);
    // Probably the thread's next task.
    if (index + 1 < x.blocksOf(count) * panels()) {
      const Place there = place(index + 1);
      there.planes.at(first, count, there.block, there.channel, next);
    }
    here.planes.write(from, here.planes.pairsAt(here.block, here.channel, count),
                      here.planes.scalesAt(here.block, here.channel), next);
  }

  // A panel of input channels, summed over the group.
  void product(long index, long /*worker*/) const {
    const long rows = x.panel(), columns = dy.panel(), c = index * rows;
    NoPrefetch prefetch;
    for (long block = 0; block < x.blocksOf(count); block++) {
      for (long o = 0; o < outputs(); o += columns) {
        gemm(rows, columns, x.pairsOf(block, count), x.operand(block, c, count), dy.operand(block, o, count),
             ToMatrix{dfilter + c * outputs() + o, outputs(), first > 0 || block > 0}, prefetch);
      }
    }
  }

  Outcome run() {
    const long all = x.pixels.count();
    if (all == 0) return zero();
    // Depends on shapes alone, and so does the reduction order.
    const long perBlock = BLOCK_PIXELS * (inputs() + outputs()) * 2, blocks = x.blocksOf(all);
    const long groups = ceilDivide(blocks, max(1, PIXEL_GROUP_BYTES / perBlock)), most = ceilDivide(blocks, groups);
    x.pairs = pairScratch(host, PLANES, most * BLOCK_PIXELS / 2 * inputs());
    x.scales = scratch(host, ACTIVATION_SCALES, most * inputs());
    dy.pairs = pairScratch(host, GRADIENTS, most * BLOCK_PIXELS / 2 * outputs());
    dy.scales = scratch(host, GRADIENT_SCALES, most * outputs());
    if (!x.pairs || !x.scales || !dy.pairs || !dy.scales) return Outcome::OUT_OF_MEMORY;
    for (long g = 0; g < groups; g++) {
      first = blocks * g / groups * BLOCK_PIXELS;
      count = min(all, blocks * (g + 1) / groups * BLOCK_PIXELS) - first;
      parallelFor<Int16PointwiseFilterGradient, &Int16PointwiseFilterGradient::write>(
          host, x.blocksOf(count) * panels(), *this);
      parallelFor<Int16PointwiseFilterGradient, &Int16PointwiseFilterGradient::product>(host, inputs() / x.panel(),
                                                                                        *this);
    }
    return Outcome::DONE;
  }

 private:
  Outcome zero() const {
    for (long i = 0; i < inputs() * outputs(); i++) dfilter[i] = 0;
    return Outcome::DONE;
  }
};

template <typename Number>
Outcome pointwiseFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                                float *dfilter) {
  return Int16PointwiseFilterGradient<Number>{host, {pixelsOfInput(conv, x)}, {pixelsOfOutput(conv, dy)}, dfilter}
      .run();
}

}  // namespace
}  // namespace pefd
