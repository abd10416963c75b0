// The gradient of a depthwise convolution's filter.
#pragma once

#include "depthwise.h"

namespace pefd {
namespace {

// Products that one chain adds up before its sum joins the others, at least; a chain ends with a row.
constexpr long CHAIN_PIXELS = 16;
// Images are summed in groups of at least so many results, and no more groups than this.
constexpr long GROUP_PIXELS = 256, MOST_GROUPS = 64;

// Sums over each group of images, then over the groups; all in an order that the sizes alone fix.
struct DepthwiseFilter {
  const Depthwise &conv;
  const Frame frame;
  const Blocks blocks;
  const float *const x, *const dy;
  float *const dfilter;
  const long tasks;
  const WorkerMemory frames;
  // [groups, 3, 3, channels]
  float *const sums;

  long height() const { return resultsAlong(conv.h, conv); }
  long width() const { return resultsAlong(conv.w, conv); }
  // Of a frame: all of an image, one above and one below.
  long rows() const { return conv.h + 2; }

  template <int STRIDE>
  void groups(long index, long worker) const {
    float *memory = frames.of(worker);
    frame.clear(memory, rows());
    const long end = blocks.count() * (index + 1) / tasks;
    for (long block = blocks.count() * index / tasks; block < end; block++) group<STRIDE>(blocks.place(block), memory);
  }

  template <int STRIDE>
  void group(const Blocks::Place &at, float *memory) const {
    const long groups = blocks.images, last = conv.n * (at.image + 1) / groups;
    Vector total[TAPS] = {};
    for (long image = conv.n * at.image / groups; image < last; image++) {
      frame.fill(x + image * conv.h * conv.w * conv.channels + at.channel, at.lanes, -1, rows(), memory);
      add<STRIDE>(memory, dy + image * height() * width() * conv.channels + at.channel, at.lanes, total);
    }
    for (long t = 0; t < TAPS; t++) {
      at.lanes.store(sums + (at.image * TAPS + t) * conv.channels + at.channel, total[t]);
    }
  }

  // Adds one image's products.
  template <int STRIDE>
  void add(const float *memory, const float *gradients, const Lanes &lanes, Vector (&total)[TAPS]) const {
    const long row = frame.row(), rows = ceilDivide(CHAIN_PIXELS, width());
    for (long first = 0; first < height(); first += rows) {
      Vector chain[TAPS] = {};
      for (long y = first; y < min(first + rows, height()); y++) {
        for (long x = 0; x < width(); x++) {
          const Vector gradient = lanes.load(gradients + (y * width() + x) * conv.channels);
          const float *window = memory + y * STRIDE * row + x * STRIDE * WIDTH;
#pragma GCC unroll 9
          for (long t = 0; t < TAPS; t++) {
            chain[t] = multiplyAdd(gradient, load(window + t / SIDE * row + t % SIDE * WIDTH), chain[t]);
          }
        }
      }
      for (long t = 0; t < TAPS; t++) total[t] += chain[t];
    }
  }

  // One tap of all channels.
  void tap(long tap, long /*worker*/) const {
    float *to = dfilter + tap * conv.channels;
    for (long c = 0; c < conv.channels; c++) to[c] = 0;
    for (long g = 0; g < blocks.images; g++) {
      const float *from = sums + (g * TAPS + tap) * conv.channels;
      for (long c = 0; c < conv.channels; c++) to[c] += from[c];
    }
  }

  Outcome run(const Host &host) const {
    if (!frames.memory || !sums) return Outcome::OUT_OF_MEMORY;
    if (conv.stride == 1) parallelFor<DepthwiseFilter, &DepthwiseFilter::groups<1>>(host, tasks, *this);
    else parallelFor<DepthwiseFilter, &DepthwiseFilter::groups<2>>(host, tasks, *this);
    parallelFor<DepthwiseFilter, &DepthwiseFilter::tap>(host, TAPS, *this);
    return Outcome::DONE;
  }
};

Outcome depthwiseFilterGradient(const Host &host, const Depthwise &conv, const float *x, const float *dy,
                                float *dfilter) {
  const long results = resultsAlong(conv.h, conv) * resultsAlong(conv.w, conv);
  const long images = results == 0 ? 0 : conv.n;
  const long perGroup = max(ceilDivide(GROUP_PIXELS, max(1, results)), ceilDivide(conv.n, MOST_GROUPS));
  const Frame frame{conv.h, conv.w, conv.channels, 1, 1};
  const Blocks blocks{ceilDivide(images, perGroup), conv.channels};
  // Of no image there are no sums, but the memory for them is not short.
  float *sums = scratch(host, SUMS, max(1, blocks.images) * TAPS * conv.channels);
  return DepthwiseFilter{conv,     frame, blocks, x, dy, dfilter, blocks.tasks(host),
                         workerScratch(host, PLANES, (conv.h + 2) * frame.row()), sums}
      .run(host);
}

}  // namespace
}  // namespace pefd
