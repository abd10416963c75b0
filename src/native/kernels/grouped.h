// 1x1 convolutions of stride 1 with any number of channels and groups, as GEMMs on activations in place. Partial
// accumulators and reduction order are those of Winograd's 1x1, so the bits are too.
#pragma once

#include "common.h"
#include "gemm.h"
#include "kernels.h"
#include "vector.h"

namespace pefd {
namespace {

// Pixels of a task: they and their outputs stay in L2.
constexpr long PIXELS_AT_ONCE = 4 * ROWS;

// Sizes of a grouped convolution.
struct Group {
  long pixels, groups, inputs, outputs;
};

inline Group groupOf(const Convolution &conv) {
  return {conv.n * conv.h * conv.w, conv.groups, conv.inputs / conv.groups, conv.outputs / conv.groups};
}

// The A operand: activations read in place, `pitch` floats apart.
struct PixelsInPlace {
  const float *images;
  long pitch;

  const float *some(long first, long /*count*/, long /*worker*/) const { return images + first * pitch; }
};

// Panels of columns, the last of which may be CHANNELS wide and zero-padded.
struct Panels {
  long columns;

  long padded() const { return ceilDivide(columns, CHANNELS) * CHANNELS; }
  long count() const { return ceilDivide(columns, PANEL); }
  long width(long panel) const { return min(PANEL, padded() - panel * PANEL); }
};

// Packed weights of all groups, [rows, columns] or transposed for dgrad, as panels [rows][width].
struct PackedGroups {
  const float *const filter;
  const Group group;
  const bool transposed;
  const long rows;
  const Panels panels;
  float *const packed;

  PackedGroups(const float *filter, const Group &group, bool transposed, const Host &host)
      : filter(filter),
        group(group),
        transposed(transposed),
        rows(transposed ? group.outputs : group.inputs),
        panels{transposed ? group.inputs : group.outputs},
        packed(scratch(host, PACKED, group.groups * rows * panels.padded())) {}

  float *at(long g, long panel) const { return packed + rows * (g * panels.padded() + panel * PANEL); }

  void pack(long index, long /*worker*/) const {
    const long g = index / panels.count(), panel = index % panels.count(), width = panels.width(panel);
    const long first = panel * PANEL, count = min(width, panels.columns - first);
    const long all = group.groups * group.outputs;
    const float *from = filter + g * group.outputs + (transposed ? first * all : first);
    const long nextRow = transposed ? 1 : all, nextColumn = transposed ? all : 1;
    float *to = at(g, panel);
    for (long r = 0; r < rows; r++) {
      for (long c = 0; c < count; c++) to[r * width + c] = from[r * nextRow + c * nextColumn];
      for (long c = count; c < width; c++) to[r * width + c] = 0;
    }
  }

  void run(const Host &host) const {
    parallelFor<PackedGroups, &PackedGroups::pack>(host, group.groups * panels.count(), *this);
  }
};

// Forward, or dgrad with transposed weights.
template <typename Source, typename Number>
struct GroupedProduct {
  const PackedGroups &filters;
  const Source source;
  const EpilogueOf<Number> epilogue;
  Number *const to;
  const WorkerMemory products;

  long pixels() const { return filters.group.pixels; }
  long outPitch() const { return filters.group.groups * filters.panels.columns; }

  void some(long index, long worker) const {
    const long first = index * PIXELS_AT_ONCE, count = min(PIXELS_AT_ONCE, pixels() - first);
    const float *all = source.some(first, count, worker);
    float *product = products.of(worker);
    for (long g = 0; g < filters.group.groups; g++) {
      const float *images = all + g * filters.rows;
      for (long panel = 0; panel < filters.panels.count(); panel++) {
        const long width = filters.panels.width(panel), channel = g * filters.panels.columns + panel * PANEL;
        gemm(count, width, filters.rows, images, {source.pitch, 1}, filters.at(g, panel), width, product, width, false);
        const long columns = min(width, filters.panels.columns - panel * PANEL);
        for (long c = 0; c < columns; c += WIDTH) {
          writeColumns(first, count, product + c, width, channel + c, Lanes(min(WIDTH, columns - c)));
        }
      }
    }
  }

  // Applies the epilogue to a vector of channels of some pixels and stores it.
  void writeColumns(long first, long count, const float *product, long width, long channel, const Lanes &lanes) const {
    const Vector bias = biasOf(epilogue, lanes, channel);
    for (long p = 0; p < count; p++) {
      const long place = (first + p) * outPitch() + channel;
      lanes.store(to + place, applyEpilogue(epilogue, lanes, place, bias, load(product + p * width)));
    }
  }

  Outcome run(const Host &host) const {
    if (!filters.packed || !products.memory) return Outcome::OUT_OF_MEMORY;
    filters.run(host);
    parallelFor<GroupedProduct, &GroupedProduct::some>(host, ceilDivide(pixels(), PIXELS_AT_ONCE), *this);
    return Outcome::DONE;
  }
};

inline WorkerMemory productsScratch(const Host &host) { return workerScratch(host, PRODUCTS, PIXELS_AT_ONCE * PANEL); }

inline Outcome groupedProduct(const Host &host, const Convolution &conv, bool transposed, const float *from,
                              const float *filter, Epilogue epilogue, float *to) {
  const PackedGroups filters(filter, groupOf(conv), transposed, host);
  const PixelsInPlace pixels{from, conv.groups * filters.rows};
  return GroupedProduct<PixelsInPlace, float>{filters, pixels, epilogue, to, productsScratch(host)}.run(host);
}

// wgrad sums at most so many parts of at least so many pixels.
constexpr long PART_PIXELS = 256, MAX_PIXEL_PARTS = 16;
// Pixels whose output gradients are packed at once, a multiple of PARTIAL_LENGTH.
constexpr long COPIED_PIXELS = 128;

// wgrad: sums over each part of the pixels, then over the parts, in an order that depends on shapes alone.
template <typename Source, typename Number>
struct GroupedFilter {
  const Group group;
  const Panels panels;
  const Source source;
  const Number *const dy;
  float *const dfilter;
  const long parts;
  // Per thread: zero-padded output gradients.
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
        gemm(group.inputs, panels.width(panel), count, x, {1, source.pitch}, copy + panel * PANEL, padded,
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

  // One input channel of all groups.
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
  const long parts = min(MAX_PIXEL_PARTS, ceilDivide(group.pixels, PART_PIXELS));
  // Without pixels there are no sums, but scratch memory must not be null.
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
  return filterGradientOf(host, groupOf(conv), PixelsInPlace{x, conv.inputs}, dy, dfilter);
}

}  // namespace
}  // namespace pefd
