// 1x1 convolutions of stride 1 with any number of channels, in groups: each group is a product of matrices, of its
// channels of all pixels with its filter. Sums are those of pointwise.h, in the same order, so that they have the same
// bits; but pixels are read where they lie.
#pragma once

#include "common.h"
#include "kernels.h"
#include "product.h"
#include "vector.h"

namespace pefd {
namespace {

// Pixels that a task works on: they and their results lie in the nearest caches.
constexpr long PIXELS_AT_ONCE = 4 * ROWS;

// What of a convolution one group has.
struct Group {
  long pixels, groups, inputs, outputs;
};

inline Group groupOf(const Convolution &conv) {
  return {conv.n * conv.h * conv.w, conv.groups, conv.inputs / conv.groups, conv.outputs / conv.groups};
}

// Images whose pixels are read where they lie, so many floats apart.
struct LyingPixels {
  const float *images;
  long pitch;

  const float *some(long first, long /*count*/, long /*worker*/) const { return images + first * pitch; }
};

// Columns of a matrix in panels of PANEL, the last of which may have CHANNELS only; zeros stand behind the last column.
struct Panels {
  long columns;

  long padded() const { return ceilDivide(columns, CHANNELS) * CHANNELS; }
  long count() const { return ceilDivide(columns, PANEL); }
  long width(long panel) const { return min(PANEL, padded() - panel * PANEL); }
};

// The filters of all groups [rows, columns], or turned round for the gradient of the images, each as panels of
// [rows][width].
struct PackedGroups {
  const float *const filter;
  const Group group;
  const bool turned;
  const long rows;
  const Panels panels;
  float *const packed;

  PackedGroups(const float *filter, const Group &group, bool turned, const Host &host)
      : filter(filter),
        group(group),
        turned(turned),
        rows(turned ? group.outputs : group.inputs),
        panels{turned ? group.inputs : group.outputs},
        packed(scratch(host, PACKED, group.groups * rows * panels.padded())) {}

  float *at(long g, long panel) const { return packed + rows * (g * panels.padded() + panel * PANEL); }

  void pack(long index, long /*worker*/) const {
    const long g = index / panels.count(), panel = index % panels.count(), width = panels.width(panel);
    const long first = panel * PANEL, count = min(width, panels.columns - first);
    const long all = group.groups * group.outputs;
    const float *from = filter + g * group.outputs + (turned ? first * all : first);
    const long nextRow = turned ? 1 : all, nextColumn = turned ? all : 1;
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

// Images times filters: the forward pass, and with turned filters the gradient of the images.
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
        multiply(count, width, filters.rows, images, {source.pitch, 1}, filters.at(g, panel), width, product, width,
                 false);
        const long columns = min(width, filters.panels.columns - panel * PANEL);
        for (long c = 0; c < columns; c += WIDTH) {
          writeColumns(first, count, product + c, width, channel + c, Lanes(min(WIDTH, columns - c)));
        }
      }
    }
  }

  // A vector of channels of some pixels, after what follows the convolution.
  void writeColumns(long first, long count, const float *product, long width, long channel, const Lanes &lanes) const {
    const Vector bias = biasOf(epilogue, lanes, channel);
    for (long p = 0; p < count; p++) {
      const long place = (first + p) * outPitch() + channel;
      lanes.store(to + place, followed(epilogue, lanes, place, bias, load(product + p * width)));
    }
  }

  Outcome run(const Host &host) const {
    if (!filters.packed || !products.memory) return Outcome::OUT_OF_MEMORY;
    filters.run(host);
    parallelFor<GroupedProduct, &GroupedProduct::some>(host, ceilDivide(pixels(), PIXELS_AT_ONCE), *this);
    return Outcome::DONE;
  }
};

inline WorkerMemory productsScratch(const Host &host) {
  return workerScratch(host, PRODUCTS, PIXELS_AT_ONCE * PANEL);
}

inline Outcome groupedProduct(const Host &host, const Convolution &conv, bool turned, const float *from,
                              const float *filter, Epilogue epilogue, float *to) {
  const PackedGroups filters(filter, groupOf(conv), turned, host);
  const LyingPixels pixels{from, conv.groups * filters.rows};
  return GroupedProduct<LyingPixels, float>{filters, pixels, epilogue, to, productsScratch(host)}.run(host);
}

}  // namespace
}  // namespace pefd
