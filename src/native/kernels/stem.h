// The first convolution of a model, 3x3, of images with fewer channels than a vector has places, as colours are: what the filter
// sees at each result is copied to a row, and the rows are multiplied with the filter as a matrix. Images are in float32.
#pragma once

#include "grouped_filter.h"

namespace pefd {
namespace {

// What the filter sees, result by result: [3][3][inputs], with zeros outside of images.
struct Windows {
  static constexpr long KERNEL = 3;
  const Convolution conv;
  const float *const images;
  // Of each worker: some of them.
  const WorkerMemory copies;
  const long pitch;

  Windows(const Host &host, const Convolution &conv, const float *images, long most)
      : conv(conv),
        images(images),
        copies(workerScratch(host, PLANES, most * floatsOf(conv))),
        pitch(floatsOf(conv)) {}

  static long floatsOf(const Convolution &conv) { return KERNEL * KERNEL * conv.inputs; }
  long rows() const { return ceilDivide(conv.h, conv.stride); }
  long columns() const { return ceilDivide(conv.w, conv.stride); }
  Group group() const { return {conv.n * rows() * columns(), 1, pitch, conv.outputs}; }

  const float *some(long first, long count, long worker) const {
    float *const copy = copies.of(worker);
    for (long p = 0; p < count;) {
      const long row = (first + p) / columns(), column = (first + p) % columns();
      const long inRow = min(count - p, columns() - column);
      for (long i = 0; i < KERNEL; i++) copyRow(row, i, column, inRow, copy + p * pitch + i * KERNEL * conv.inputs);
      p += inRow;
    }
    return copy;
  }

  // What one row of the filter sees at some results of a row of them.
  void copyRow(long row, long filterRow, long column, long count, float *to) const {
    const long image = row / rows(), y = row % rows() * conv.stride - 1 + filterRow;
    const bool isInside = y >= 0 && y < conv.h;
    const float *const from = images + (image * conv.h + y) * conv.w * conv.inputs;
    for (long c = column; c < column + count; c++, to += pitch) {
      const long left = c * conv.stride - 1;
      const long first = isInside ? max(0, -left) : KERNEL, end = isInside ? min(KERNEL, conv.w - left) : KERNEL;
      copyPixels(from + left * conv.inputs, first * conv.inputs, end * conv.inputs, to);
    }
  }

  // The floats between two, zeros before and after them.
  void copyPixels(const float *from, long first, long end, float *to) const {
    const long count = KERNEL * conv.inputs;
    for (long c = 0; c < first; c++) to[c] = 0;
    for (long c = first; c < end; c += WIDTH) {
      const Lanes lanes(min(WIDTH, end - c));
      lanes.store(to + c, lanes.load(from + c));
    }
    for (long c = end; c < count; c++) to[c] = 0;
  }
};

template <typename Number>
Outcome stemForward(const Host &host, const Convolution &conv, const float *x, const float *filter,
                    EpilogueOf<Number> epilogue, Number *y) {
  const Windows windows(host, conv, x, PIXELS_AT_ONCE);
  const PackedGroups filters(filter, windows.group(), false, host);
  if (!windows.copies.memory) return Outcome::OUT_OF_MEMORY;
  return GroupedProduct<Windows, Number>{filters, windows, epilogue, y, productsScratch(host)}.run(host);
}

template <typename Number>
Outcome stemFilterGradient(const Host &host, const Convolution &conv, const float *x, const Number *dy, float *dfilter) {
  const Windows windows(host, conv, x, COPIED_PIXELS);
  if (!windows.copies.memory) return Outcome::OUT_OF_MEMORY;
  return filterGradientOf(host, windows.group(), windows, dy, dfilter);
}

}  // namespace
}  // namespace pefd
