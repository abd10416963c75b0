// The gradient of the filter of a 1x1 convolution of stride 1 with any number of channels, in groups.
#pragma once

#include "grouped.h"

namespace pefd {
namespace {

// Pixels are summed in parts of at least so many, and no more parts than this.
constexpr long PART_PIXELS = 256, MOST_PIXEL_PARTS = 16;
// Pixels whose gradients are copied to panels at once, a multiple of CHAIN.
constexpr long COPIED_PIXELS = 128;

// Sums over each part of the pixels, then over the parts; all in an order that the sizes alone fix.
template <typename Source, typename Number>
struct GroupedFilter {
  const Group group;
  const Panels panels;
  const Source source;
  const Number *const dy;
  float *const dfilter;
  const long parts;
  // Of each worker: gradients of some pixels with zeros behind the last channel.
  const WorkerMemory copies;
  // [parts, groups, inputs, padded outputs]
  float *const sums;

  long sumsOfGroup() const { return group.inputs * panels.padded(); }
  float *sumsOf(long part, long g) const { return sums + (part * group.groups + g) * sumsOfGroup(); }

  // One group of one part.
  void part(long index, long worker) const {
    const long part = index / group.groups, g = index % group.groups;
    const long first = group.pixels * part / parts, end = group.pixels * (part + 1) / parts;
    const long padded = panels.padded();
    float *copy = copies.of(worker), *sum = sumsOf(part, g);
    for (long pixel = first; pixel < end; pixel += COPIED_PIXELS) {
      const long count = min(COPIED_PIXELS, end - pixel);
      copyGradients(pixel, count, g, copy);
      const float *x = source.some(pixel, count, worker) + g * group.inputs;
      for (long panel = 0; panel < panels.count(); panel++) {
        multiply(group.inputs, panels.width(panel), count, x, {1, source.pitch}, copy + panel * PANEL, padded,
                 sum + panel * PANEL, padded, pixel > first);
      }
    }
  }

  void copyGradients(long pixel, long count, long g, float *copy) const {
    const long padded = panels.padded(), pitch = group.groups * group.outputs;
    for (long p = 0; p < count; p++) {
      const Number *from = dy + (pixel + p) * pitch + g * group.outputs;
      for (long c = 0; c < padded; c += WIDTH) {
        const Lanes lanes(max(0, min(WIDTH, group.outputs - c)));
        store(copy + p * padded + c, lanes.load(from + c));
      }
    }
  }

  // The taps of one input channel of all groups.
  void result(long input, long /*worker*/) const {
    for (long g = 0; g < group.groups; g++) {
      float *to = dfilter + (input * group.groups + g) * group.outputs;
      for (long o = 0; o < group.outputs; o += WIDTH) {
        Vector sum = {};
        for (long p = 0; p < parts; p++) sum += load(sumsOf(p, g) + input * panels.padded() + o);
        Lanes(min(WIDTH, group.outputs - o)).store(to + o, sum);
      }
    }
  }
};

template <typename Source, typename Number>
Outcome filterGradientOf(const Host &host, const Group &group, const Source &source, const Number *dy, float *dfilter) {
  using Gradient = GroupedFilter<Source, Number>;
  const Panels panels{group.outputs};
  const long parts = min(MOST_PIXEL_PARTS, ceilDivide(group.pixels, PART_PIXELS));
  // Of no pixel there are no sums, but the memory for them is not short.
  float *sums = scratch(host, SUMS, max(1, parts) * group.groups * group.inputs * panels.padded());
  const WorkerMemory copies = workerScratch(host, GRADIENTS, COPIED_PIXELS * panels.padded());
  if (!copies.memory || !sums) return Outcome::OUT_OF_MEMORY;
  const Gradient gradient{group, panels, source, dy, dfilter, parts, copies, sums};
  parallelFor<Gradient, &Gradient::part>(host, parts * group.groups, gradient);
  parallelFor<Gradient, &Gradient::result>(host, group.inputs, gradient);
  return Outcome::DONE;
}

inline Outcome groupedFilterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy,
                                     float *dfilter) {
  return filterGradientOf(host, groupOf(conv), LyingPixels{x, conv.inputs}, dy, dfilter);
}

}  // namespace
}  // namespace pefd
