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
constexpr long TASK_PIXELS = 4 * ROWS;

// What of a convolution one group has.
struct Group {
  long pixels, groups, inputs, outputs;

  explicit Group(const Convolution &conv)
      : pixels(conv.n * conv.h * conv.w),
        groups(conv.groups),
        inputs(conv.inputs / conv.groups),
        outputs(conv.outputs / conv.groups) {}
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
        packed(host.scratch(host.self, PACKED, group.groups * rows * panels.padded())) {}

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
struct GroupedProduct {
  const PackedGroups &filters;
  const float *const from;
  const Epilogue epilogue;
  float *const to;
  const WorkerMemory products;

  long pixels() const { return filters.group.pixels; }
  long inPitch() const { return filters.group.groups * filters.rows; }
  long outPitch() const { return filters.group.groups * filters.panels.columns; }

  void some(long index, long worker) const {
    const long first = index * TASK_PIXELS, count = min(TASK_PIXELS, pixels() - first);
    float *product = products.of(worker);
    for (long g = 0; g < filters.group.groups; g++) {
      const float *images = from + first * inPitch() + g * filters.rows;
      for (long panel = 0; panel < filters.panels.count(); panel++) {
        const long width = filters.panels.width(panel), channel = g * filters.panels.columns + panel * PANEL;
        multiply(count, width, filters.rows, images, {inPitch(), 1}, filters.at(g, panel), width, product, width,
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
};

Outcome groupedProduct(const Host &host, const Convolution &conv, bool turned, const float *from, const float *filter,
                       Epilogue epilogue, float *to) {
  const PackedGroups filters(filter, Group(conv), turned, host);
  const GroupedProduct product{filters, from, epilogue, to, workerScratch(host, PRODUCTS, TASK_PIXELS * PANEL)};
  if (!filters.packed || !product.products.memory) return Outcome::OUT_OF_MEMORY;
  filters.run(host);
  parallelFor<GroupedProduct, &GroupedProduct::some>(host, ceilDivide(product.pixels(), TASK_PIXELS), product);
  return Outcome::DONE;
}

}  // namespace
}  // namespace pefd
