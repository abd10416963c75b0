// 1x1 convolutions in whole numbers, and the gradients of their images: products of a matrix of pixels with the filter.
#pragma once

#include "../tiled/results.h"
#include "filter.h"
#include "lists.h"
#include "pixels.h"
#include "product.h"
#include "tile.h"

namespace pefd {
namespace {

// Bytes of pixels, as pairs, that a task works on.
constexpr long PIXEL_TASK_BYTES = 128 << 10;
// Bytes of a filter, as pairs, that stay in a thread's cache.
constexpr long NEAR_BYTES = 512 << 10;
// Most pixels of a task.
constexpr long TASK_PIXELS = 8 * ROWS;

// Where results of products go: to pixels, after what follows.
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
    store(to, followed(epilogue, all, to - images, biasOf(epilogue, all, channel + column), sum));
  }
};

template <typename Number>
struct PairPointwise {
  using Packing = PairPacking<OneTap>;
  const Host &host;
  const Taps taps;
  const Pixels<const Number> from;
  const Pixels<Number> to;
  const EpilogueOf<Number> epilogue;
  long tasks = 0, most = 0;
  PackedPairs packed = {};
  // Of each worker: pixels as pairs, and their units.
  WorkerMemory pairs = {}, units = {};

  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }
  // Pairs from one pixel to the next: neighbours are written two vectors at a time.
  long row() const { return strideOf(PairRows::row(inputs())); }

  void pixels(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(from.count()), count = task.count(from.count());
    if (count == 0) return;
    Pair *const rows = reinterpret_cast<Pair *>(pairs.of(worker));
    quantize(first, count, rows, units.of(worker));
    Number *pixel[TASK_PIXELS];
    to.list(first, count, pixel);
    const long panel = panelOf(outputs()), depth = inputs() / 2;
    TilesAhead ahead = this->ahead(task, outputs() / panel * ceilDivide(count, ROWS));
    // A filter that fits the cache passes again for each group of rows, so that results are written as they lie.
    const long some = depth * outputs() * long{sizeof(Pair)} <= NEAR_BYTES ? ROWS : count;
    for (long r = 0; r < count; r += some) {
      const Operand a{rows + r * row(), {row(), 1}, units.of(worker) + r};
      for (long o = 0; o < outputs(); o += panel) {
        const Operand b = packed.operand(0, o, panel);
        multiply(min(some, count - r), panel, depth, a, b, ToPixels<Number>{pixel + r, to.images, o, epilogue}, ahead);
      }
    }
    if (to.apart > from.apart) {
      for (long t = 0; t < count; t++) writeBetween(to.place(first + t));
    }
  }

  void quantize(long first, long count, Pair *rows, float *unit) const {
    const Number *list[TASK_PIXELS + WIDTH];
    from.list(first, count, list);
    // Units are found of as many at once: the last pixel counts again for those that are not there.
    for (long t = count; t % WIDTH != 0; t++) list[t] = list[count - 1];
    for (long t = 0; t < count; t += WIDTH) {
      const Units found = unitsOfLists<WIDTH>([&](int i) { return list[t + i]; }, inputs());
      for (long i = 0; i < min(WIDTH, count - t); i++) {
        unit[t + i] = found.unit[i];
        writeList(list[t + i], inputs(), found.inverse[i], rows + (t + i) * row());
      }
    }
  }

  // What the task writes and adds, and what the next one of its thread reads, in so many steps.
  TilesAhead ahead(const TileTask &task, long steps) const {
    const long count = from.count();
    const TileTask next = task.next();
    const Row read = next.isThere() ? from.row(next.first(count), next.count(count)) : Row{};
    return aheadOf(to.row(task.first(count), task.count(count)), to.images, epilogue, read, steps);
  }

  // Zeros, and what follows, to the pixels that lie between one that counts and the next.
  void writeBetween(typename Pixels<Number>::Place at) const {
    const Lanes all(WIDTH);
    for (long y = at.y; y < min(at.y + to.apart, to.height); y++) {
      for (long x = at.x; x < min(at.x + to.apart, to.width); x++) {
        if (y == at.y && x == at.x) continue;
        Number *pixel = to.at({at.image, y, x});
        for (long c = 0; c < to.channels; c += WIDTH) {
          store(pixel + c, followed(epilogue, all, pixel + c - to.images, biasOf(epilogue, all, c), Vector{}));
        }
      }
    }
  }

  Outcome run() {
    most = max(ROWS, min(PIXEL_TASK_BYTES / (row() * long{sizeof(Pair)}), TASK_PIXELS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(from.count(), most), host.workers) * host.workers;
    packed = {pairScratch(host, PACKED, Packing::pairs(inputs(), outputs())),
              scratch(host, FACTOR_UNITS, outputs()), inputs(), outputs()};
    const WorkerMemory turned = workerScratch(host, UNSCALED, max(1, Packing::turnedFloats(taps)));
    pairs = workerScratch(host, PLANES, most * row());
    units = workerScratch(host, POINT_UNITS, most);
    if (!packed.pairs || !packed.units || !turned.memory || !pairs.memory || !units.memory) return Outcome::OUT_OF_MEMORY;
    SharedPacking<OneTap>{{taps}, packed, turned}.run(host);
    parallelFor<PairPointwise, &PairPointwise::pixels>(host, tasks, *this);
    return Outcome::DONE;
  }
};

// The pixels of x that a 1x1 convolution sees, or writes the gradient of, and those of y.
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
  return PairPointwise<Number>{host, taps, pixelsOfInput(conv, x), pixelsOfOutput(conv, y), epilogue}.run();
}

template <typename Number>
Outcome pointwiseInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                               EpilogueOf<Number> epilogue, Number *dx) {
  const Taps taps{filter, conv.outputs, conv.inputs, true};
  return PairPointwise<Number>{host, taps, pixelsOfOutput(conv, dy), pixelsOfInput(conv, dx), epilogue}.run();
}

}  // namespace
}  // namespace pefd
