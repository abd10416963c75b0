// Depthwise convolutions of 3x3: every channel has a filter of its own. There are nine multiplications for each number
// that is read, too few for an algorithm to save any; what counts is that memory is read and written once.
#pragma once

#include "common.h"
#include "kernels.h"
#include "vector.h"

namespace pefd {
namespace {

constexpr long SIDE = 3, TAPS = SIDE * SIDE;
// Tasks for each thread, so that none waits long for the last.
constexpr long TASKS_PER_WORKER = 8;

// One vector of channels of one image, with zeros around it: what is read nine times lies in the nearest cache.
struct Frame {
  // Of the image; its pixels are `channels` floats each.
  long height, width, channels;
  // Pixels of zeros on each axis, in front and behind.
  long before, after;

  long row() const { return (before + width + after) * WIDTH; }
  long floats() const { return (before + height + after) * row(); }

  void clear(float *frame) const {
    for (long i = 0; i < floats(); i++) frame[i] = 0;
  }

  // Takes some channels of an image; `image` is the first of them in its first pixel.
  void fill(const float *image, const Lanes &lanes, float *frame) const {
    for (long y = 0; y < height; y++) {
      float *to = frame + (before + y) * row() + before * WIDTH;
      const float *from = image + y * width * channels;
      for (long x = 0; x < width; x++) store(to + x * WIDTH, lanes.load(from + x * channels));
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

  // Calls make(frame, taps, first pixel that is made, lanes) for each block of a task.
  template <typename Make>
  void each(long index, long worker, Make make) const {
    float *memory = frames.of(worker);
    frame.clear(memory);
    const long channels = blocks.channels, end = blocks.count() * (index + 1) / tasks;
    for (long block = blocks.count() * index / tasks; block < end; block++) {
      const Blocks::Place at = blocks.place(block);
      Vector taps[TAPS];
      loadTaps(filter, channels, at, turned, taps);
      frame.fill(from + at.image * frame.height * frame.width * channels + at.channel, at.lanes, memory);
      make(memory, taps, to + at.image * height * width * channels + at.channel, at.lanes);
    }
  }

  // Every result is the sum of nine products.
  template <int STRIDE>
  void windows(long index, long worker) const {
    const long row = frame.row(), channels = blocks.channels;
    each(index, worker, [&](const float *memory, const Vector(&taps)[TAPS], float *results, const Lanes &lanes) {
      for (long y = 0; y < height; y++) {
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
    const long row = frame.row(), channels = blocks.channels;
    each(index, worker, [&](const float *memory, const Vector(&taps)[TAPS], float *pixels, const Lanes &lanes) {
      for (long y = 0; y < height; y += 2) {
        for (long x = 0; x < width; x += 2) {
          const float *window = memory + y / 2 * row + x / 2 * WIDTH;
          const Vector here = load(window), right = load(window + WIDTH);
          const Vector below = load(window + row), across = load(window + row + WIDTH);
          float *pixel = pixels + (y * width + x) * channels, *under = pixel + width * channels;
          lanes.store(pixel, taps[4] * here);
          if (x + 1 < width) lanes.store(pixel + channels, multiplyAdd(taps[5], here, taps[3] * right));
          if (y + 1 == height) continue;
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
                             blocks.tasks(host), workerScratch(host, PLANES, frame.floats())};
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
