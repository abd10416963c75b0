// Depthwise convolutions of 3x3: every channel has a filter of its own. There are nine multiplications for each number
// that is read, too few for an algorithm to save any; what counts is that memory is read and written once.
#pragma once

#include "../common.h"
#include "../kernels.h"
#include "../vector.h"

namespace pefd {
namespace {

constexpr long SIDE = 3, TAPS = SIDE * SIDE;
// Tasks for each thread, so that none waits long for the last.
constexpr long TASKS_PER_WORKER = 8;

// Floats of a frame that the nearest cache holds.
constexpr long FRAME_FLOATS = 1 << 13;

// Some rows of one vector of channels of one image, with zeros around: what is read nine times lies in the nearest cache.
struct Frame {
  // Of the image; its pixels are `channels` floats each.
  long height, width, channels;
  // Pixels of zeros in front of each row and behind.
  long before, after;

  long row() const { return (before + width + after) * WIDTH; }
  // Rows that the cache holds, or as many as there ever are.
  long mostRows() const { return max(SIDE, min(before + height + after, FRAME_FLOATS / max(1, row()))); }

  // Zeros in front of the rows and behind.
  void clear(float *frame, long rows) const {
    for (long i = 0; i < rows * row(); i++) frame[i] = 0;
  }

  // Takes some channels of rows of an image, which may begin above it and end below; `image` is the first of the
  // channels in its first pixel.
  void fill(const float *image, const Lanes &lanes, long first, long rows, float *frame) const {
    for (long r = 0; r < rows; r++) {
      const long y = first + r;
      float *to = frame + r * row() + before * WIDTH;
      const float *from = image + y * width * channels;
      if (y >= 0 && y < height) {
        for (long x = 0; x < width; x++) store(to + x * WIDTH, lanes.load(from + x * channels));
      } else {
        for (long x = 0; x < width; x++) store(to + x * WIDTH, Vector{});
      }
    }
  }
};

// The vectors of channels of some images, numbered image by image, and shared out to tasks.
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

// The nine taps of some channels of a filter [3, 3, channels], in their order or turned round.
inline void loadTaps(const float *filter, long channels, const Blocks::Place &at, bool turned, Vector (&taps)[TAPS]) {
  for (long t = 0; t < TAPS; t++) {
    taps[turned ? TAPS - 1 - t : t] = at.lanes.load(filter + t * channels + at.channel);
  }
}

// What the forward pass and the gradient of the images have in common: images in a frame, made to images.
struct DepthwiseImages {
  const Frame frame;
  const Blocks blocks;
  const float *const from, *const filter;
  const bool turned;
  // Of an image that is made; it has as many channels.
  const long height, width;
  float *const to;
  const long tasks;
  const WorkerMemory frames;

  // Of each image that is made, in bands: the rows of the frame that some rows are made of.
  struct Rows {
    long first, count;
  };

  // Calls make(frame, taps, first pixel that is made, rows that are made, lanes) for each band of each block of a task;
  // rowsFor(first, rows) tells what they are made of.
  template <typename RowsFor, typename Make>
  void each(long index, long worker, long band, RowsFor rowsFor, Make make) const {
    float *memory = frames.of(worker);
    frame.clear(memory, frame.mostRows());
    const long channels = blocks.channels, end = blocks.count() * (index + 1) / tasks;
    for (long block = blocks.count() * index / tasks; block < end; block++) {
      const Blocks::Place at = blocks.place(block);
      Vector taps[TAPS];
      loadTaps(filter, channels, at, turned, taps);
      const float *image = from + at.image * frame.height * frame.width * channels + at.channel;
      float *results = to + at.image * height * width * channels + at.channel;
      for (long first = 0; first < height; first += band) {
        const long rows = min(band, height - first);
        const Rows taken = rowsFor(first, rows);
        frame.fill(image, at.lanes, taken.first, taken.count, memory);
        make(memory, taps, results + first * width * channels, rows, at.lanes);
      }
    }
  }

  // Every result is the sum of nine products.
  template <int STRIDE>
  void windows(long index, long worker) const {
    const long row = frame.row(), channels = blocks.channels, band = (frame.mostRows() - SIDE) / STRIDE + 1;
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

  // The gradient of the images with stride 2: four pixels see one result, two or four of them.
  void betweenResults(long index, long worker) const {
    const long row = frame.row(), channels = blocks.channels, band = 2 * (frame.mostRows() - 1);
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

// Runs a step of DepthwiseImages on all tasks.
template <void (DepthwiseImages::*step)(long, long) const>
Outcome depthwiseImages(const Host &host, const Frame &frame, long images, const float *from, const float *filter,
                        bool turned, long height, long width, float *to) {
  const Blocks blocks{images, frame.channels};
  const DepthwiseImages pass{frame,  blocks, from, filter,
                             turned, height, width, to,
                             blocks.tasks(host), workerScratch(host, PLANES, frame.mostRows() * frame.row())};
  if (!pass.frames.memory) return Outcome::OUT_OF_MEMORY;
  parallelFor<DepthwiseImages, step>(host, pass.tasks, pass);
  return Outcome::DONE;
}

Outcome depthwiseForward(const Host &host, const Depthwise &conv, const float *x, const float *filter, float *y) {
  const auto run = conv.stride == 1 ? depthwiseImages<&DepthwiseImages::windows<1>>
                                    : depthwiseImages<&DepthwiseImages::windows<2>>;
  return run(host, {conv.h, conv.w, conv.channels, 1, 1}, conv.n, x, filter, false, resultsAlong(conv.h, conv),
             resultsAlong(conv.w, conv), y);
}

Outcome depthwiseInputGradient(const Host &host, const Depthwise &conv, const float *filter, const float *dy,
                               float *dx) {
  const bool dense = conv.stride == 1;
  const auto run =
      dense ? depthwiseImages<&DepthwiseImages::windows<1>> : depthwiseImages<&DepthwiseImages::betweenResults>;
  const Frame frame{resultsAlong(conv.h, conv), resultsAlong(conv.w, conv), conv.channels, dense ? 1 : 0, 1};
  return run(host, frame, conv.n, dy, filter, dense, conv.h, conv.w, dx);
}

}  // namespace
}  // namespace pefd
