// Direct depthwise 3x3 convolutions: forward, dgrad and wgrad. Memory-bound, so rows are copied to a zero-padded L1
// buffer first.
#pragma once

#include "common.h"
#include "kernels.h"
#include "vector.h"

namespace pefd {
namespace {

constexpr long SIDE = 3, TAPS = SIDE * SIDE;
// Tasks per thread, for load balance.
constexpr long TASKS_PER_WORKER = 8;

// Floats of a buffer that fits L1.
constexpr long BUFFER_FLOATS = 1 << 13;

// Zero-padded rows of one vector of channels of an image, which fit L1.
struct PaddedBuffer {
  // Sizes of the image.
  long height, width, channels;
  // Zero pixels before and after each row.
  long before, after;

  long row() const { return (before + width + after) * WIDTH; }
  // Rows that fit L1, or all.
  long mostRows() const { return max(SIDE, min(before + height + after, BUFFER_FLOATS / max(1, row()))); }

  void clear(float *buffer, long rows) const {
    for (long i = 0; i < rows * row(); i++) buffer[i] = 0;
  }

  // Copies rows of an image, zeros where they lie outside; `image` points to the channels of its first pixel.
  void fill(const float *image, const Lanes &lanes, long first, long rows, float *buffer) const {
    for (long r = 0; r < rows; r++) {
      const long y = first + r;
      float *to = buffer + r * row() + before * WIDTH;
      const float *from = image + y * width * channels;
      if (y >= 0 && y < height) {
        for (long x = 0; x < width; x++) store(to + x * WIDTH, lanes.load(from + x * channels));
      } else {
        for (long x = 0; x < width; x++) store(to + x * WIDTH, Vector{});
      }
    }
  }
};

// Vectors of channels of all images, image by image, and their division into tasks.
struct Blocks {
  long images, channels;

  long perImage() const { return ceilDivide(channels, WIDTH); }
  long count() const { return images * perImage(); }
  long tasks(const Host &host) const { return min(count(), TASKS_PER_WORKER * host.workers); }

  struct Place {
    long image, channel;
    Lanes lanes;
  };
  Place place(long block) const {
    const long channel = block % perImage() * WIDTH;
    return {block / perImage(), channel, Lanes(min(WIDTH, channels - channel))};
  }
};

// Loads the nine taps of a vector of channels, spatially flipped for dgrad.
inline void loadTaps(const float *filter, long channels, const Blocks::Place &at, bool flipped, Vector (&taps)[TAPS]) {
  for (long t = 0; t < TAPS; t++) {
    taps[flipped ? TAPS - 1 - t : t] = at.lanes.load(filter + t * channels + at.channel);
  }
}

// Forward or dgrad: from padded rows to images.
struct DepthwiseImages {
  const PaddedBuffer buffer;
  const Blocks blocks;
  const float *const from, *const filter;
  const bool flipped;
  // Sizes of the output.
  const long height, width;
  float *const to;
  const long tasks;
  const WorkerMemory buffers;

  // Rows of the buffer that a band of output rows reads.
  struct Rows {
    long first, count;
  };

  // Calls make(buffer, taps, first output pixel, output rows, lanes) for each band of each block of a task;
  // rowsFor(first, rows) gives the buffer rows that it reads.
  template <typename RowsFor, typename Make>
  void each(long index, long worker, long band, RowsFor rowsFor, Make make) const {
    float *memory = buffers.of(worker);
    buffer.clear(memory, buffer.mostRows());
    const long channels = blocks.channels, end = blocks.count() * (index + 1) / tasks;
    for (long block = blocks.count() * index / tasks; block < end; block++) {
      const Blocks::Place at = blocks.place(block);
      Vector taps[TAPS];
      loadTaps(filter, channels, at, flipped, taps);
      const float *image = from + at.image * buffer.height * buffer.width * channels + at.channel;
      float *results = to + at.image * height * width * channels + at.channel;
      for (long first = 0; first < height; first += band) {
        const long rows = min(band, height - first);
        const Rows taken = rowsFor(first, rows);
        buffer.fill(image, at.lanes, taken.first, taken.count, memory);
        make(memory, taps, results + first * width * channels, rows, at.lanes);
      }
    }
  }

  template <int STRIDE>
  void windows(long index, long worker) const {
    const long row = buffer.row(), channels = blocks.channels, band = (buffer.mostRows() - SIDE) / STRIDE + 1;
    const auto rowsFor = [](long first, long rows) { return Rows{first * STRIDE - 1, (rows - 1) * STRIDE + SIDE}; };
    each(index, worker, band, rowsFor,
         [&](const float *memory, const Vector(&taps)[TAPS], float *results, long rows, const Lanes &lanes) {
           for (long y = 0; y < rows; y++) {
             for (long x = 0; x < width; x++) {
               const float *window = memory + y * STRIDE * row + x * STRIDE * WIDTH;
               Vector sum = taps[0] * load(window);
#pragma GCC unroll 8
               for (long t = 1; t < TAPS; t++) {
                 sum = multiplyAdd(taps[t], load(window + t / SIDE * row + t % SIDE * WIDTH), sum);
               }
               lanes.store(results + (y * width + x) * channels, sum);
             }
           }
         });
  }

  // dgrad with stride 2: a block of 2x2 pixels reads 2x2 output gradients.
  void stridedInputGradient(long index, long worker) const {
    const long row = buffer.row(), channels = blocks.channels, band = 2 * (buffer.mostRows() - 1);
    const auto rowsFor = [](long first, long rows) { return Rows{first / 2, ceilDivide(rows, 2) + 1}; };
    each(index, worker, band, rowsFor,
         [&](const float *memory, const Vector(&taps)[TAPS], float *pixels, long rows, const Lanes &lanes) {
           for (long y = 0; y < rows; y += 2) {
             for (long x = 0; x < width; x += 2) {
               const float *window = memory + y / 2 * row + x / 2 * WIDTH;
               const Vector here = load(window), right = load(window + WIDTH);
               const Vector below = load(window + row), across = load(window + row + WIDTH);
               float *pixel = pixels + (y * width + x) * channels, *under = pixel + width * channels;
               lanes.store(pixel, taps[4] * here);
               if (x + 1 < width) lanes.store(pixel + channels, multiplyAdd(taps[5], here, taps[3] * right));
               if (y + 1 == rows) continue;
               lanes.store(under, multiplyAdd(taps[7], here, taps[1] * below));
               if (x + 1 == width) continue;
               const Vector upper = multiplyAdd(taps[2], below, taps[0] * across);
               lanes.store(under + channels, multiplyAdd(taps[8], here, multiplyAdd(taps[6], right, upper)));
             }
           }
         });
  }
};

inline long resultsAlong(long size, const Depthwise &conv) { return ceilDivide(size, conv.stride); }

template <void (DepthwiseImages::*step)(long, long) const>
Outcome depthwiseImages(const Host &host, const PaddedBuffer &buffer, long images, const float *from,
                        const float *filter, bool flipped, long height, long width, float *to) {
  const Blocks blocks{images, buffer.channels};
  const DepthwiseImages pass{buffer,
                             blocks,
                             from,
                             filter,
                             flipped,
                             height,
                             width,
                             to,
                             blocks.tasks(host),
                             workerScratch(host, PLANES, buffer.mostRows() * buffer.row())};
  if (!pass.buffers.memory) return Outcome::OUT_OF_MEMORY;
  parallelFor<DepthwiseImages, step>(host, pass.tasks, pass);
  return Outcome::DONE;
}

Outcome depthwiseForward(const Host &host, const Depthwise &conv, const float *x, const float *filter, float *y) {
  const auto run =
      conv.stride == 1 ? depthwiseImages<&DepthwiseImages::windows<1>> : depthwiseImages<&DepthwiseImages::windows<2>>;
  return run(host, {conv.h, conv.w, conv.channels, 1, 1}, conv.n, x, filter, false, resultsAlong(conv.h, conv),
             resultsAlong(conv.w, conv), y);
}

Outcome depthwiseInputGradient(const Host &host, const Depthwise &conv, const float *filter, const float *dy,
                               float *dx) {
  const bool dense = conv.stride == 1;
  const auto run =
      dense ? depthwiseImages<&DepthwiseImages::windows<1>> : depthwiseImages<&DepthwiseImages::stridedInputGradient>;
  const PaddedBuffer buffer{resultsAlong(conv.h, conv), resultsAlong(conv.w, conv), conv.channels, dense ? 1 : 0, 1};
  return run(host, buffer, conv.n, dy, filter, dense, conv.h, conv.w, dx);
}

// Products of a partial accumulator, at least; it ends with a row.
constexpr long PARTIAL_PIXELS = 16;
// Results of a group of images, at least, and groups at most.
constexpr long GROUP_PIXELS = 256, MAX_GROUPS = 64;

// wgrad: sums over each group of images, then over the groups, in an order that depends on shapes alone.
struct DepthwiseFilter {
  const Depthwise &conv;
  const PaddedBuffer buffer;
  const Blocks blocks;
  const float *const x, *const dy;
  float *const dfilter;
  const long tasks;
  const WorkerMemory buffers;
  // [groups, 3, 3, channels]
  float *const sums;

  long height() const { return resultsAlong(conv.h, conv); }
  long width() const { return resultsAlong(conv.w, conv); }
  // One image with a zero row above and below.
  long rows() const { return conv.h + 2; }

  template <int STRIDE>
  void groups(long index, long worker) const {
    float *memory = buffers.of(worker);
    buffer.clear(memory, rows());
    const long end = blocks.count() * (index + 1) / tasks;
    for (long block = blocks.count() * index / tasks; block < end; block++) group<STRIDE>(blocks.place(block), memory);
  }

  template <int STRIDE>
  void group(const Blocks::Place &at, float *memory) const {
    const long groups = blocks.images, last = conv.n * (at.image + 1) / groups;
    Vector total[TAPS] = {};
    for (long image = conv.n * at.image / groups; image < last; image++) {
      buffer.fill(x + image * conv.h * conv.w * conv.channels + at.channel, at.lanes, -1, rows(), memory);
      add<STRIDE>(memory, dy + image * height() * width() * conv.channels + at.channel, at.lanes, total);
    }
    for (long t = 0; t < TAPS; t++) {
      at.lanes.store(sums + (at.image * TAPS + t) * conv.channels + at.channel, total[t]);
    }
  }

  // Accumulates one image.
  template <int STRIDE>
  void add(const float *memory, const float *gradients, const Lanes &lanes, Vector (&total)[TAPS]) const {
    const long row = buffer.row(), rows = ceilDivide(PARTIAL_PIXELS, width());
    for (long first = 0; first < height(); first += rows) {
      Vector partial[TAPS] = {};
      for (long y = first; y < min(first + rows, height()); y++) {
        for (long x = 0; x < width(); x++) {
          const Vector gradient = lanes.load(gradients + (y * width() + x) * conv.channels);
          const float *window = memory + y * STRIDE * row + x * STRIDE * WIDTH;
#pragma GCC unroll 9
          for (long t = 0; t < TAPS; t++) {
            partial[t] = multiplyAdd(gradient, load(window + t / SIDE * row + t % SIDE * WIDTH), partial[t]);
          }
        }
      }
      for (long t = 0; t < TAPS; t++) total[t] += partial[t];
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
    if (!buffers.memory || !sums) return Outcome::OUT_OF_MEMORY;
    if (conv.stride == 1)
      parallelFor<DepthwiseFilter, &DepthwiseFilter::groups<1>>(host, tasks, *this);
    else
      parallelFor<DepthwiseFilter, &DepthwiseFilter::groups<2>>(host, tasks, *this);
    parallelFor<DepthwiseFilter, &DepthwiseFilter::tap>(host, TAPS, *this);
    return Outcome::DONE;
  }
};

Outcome depthwiseFilterGradient(const Host &host, const Depthwise &conv, const float *x, const float *dy,
                                float *dfilter) {
  const long results = resultsAlong(conv.h, conv) * resultsAlong(conv.w, conv);
  const long images = results == 0 ? 0 : conv.n;
  const long perGroup = max(ceilDivide(GROUP_PIXELS, max(1, results)), ceilDivide(conv.n, MAX_GROUPS));
  const PaddedBuffer buffer{conv.h, conv.w, conv.channels, 1, 1};
  const Blocks blocks{ceilDivide(images, perGroup), conv.channels};
  // Without images there are no sums, but scratch memory must not be null.
  float *sums = scratch(host, SUMS, max(1, blocks.images) * TAPS * conv.channels);
  return DepthwiseFilter{conv,
                         buffer,
                         blocks,
                         x,
                         dy,
                         dfilter,
                         blocks.tasks(host),
                         workerScratch(host, PLANES, (conv.h + 2) * buffer.row()),
                         sums}
      .run(host);
}

}  // namespace
}  // namespace pefd
