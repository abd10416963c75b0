// The stem, a model's first convolution: 3x3 with fewer input channels than a vector has lanes, as im2col and GEMM, and
// its wgrad. Its input is always float32.
#pragma once

#include "grouped.h"

namespace pefd {
namespace {

// im2col rows [3][3][inputs], with zero padding.
struct Im2col {
  static constexpr long KERNEL = 3;
  const Convolution conv;
  const float *const images;
  // Per thread: some rows.
  const WorkerMemory copies;
  const long pitch;

  Im2col(const Host &host, const Convolution &conv, const float *images, long most)
      : conv(conv), images(images), copies(workerScratch(host, PLANES, most * floatsOf(conv))), pitch(floatsOf(conv)) {}

  static long floatsOf(const Convolution &conv) { return KERNEL * KERNEL * conv.inputs; }
  long rows() const { return ceilDivide(conv.h, conv.stride); }
  long columns() const { return ceilDivide(conv.w, conv.stride); }
  Group group() const { return {conv.n * rows() * columns(), 1, pitch, conv.outputs}; }

  const float *some(long first, long count, long worker) const {
    float *const copy = copies.of(worker);
    for (long p = 0; p < count;) {
      const long row = (first + p) / columns(), column = (first + p) % columns();
      const long inRow = min(count - p, columns() - column);
      for (long i = 0; i < KERNEL; i++)
        copyFilterRow(row, i, column, inRow, copy + p * pitch + i * KERNEL * conv.inputs);
      p += inRow;
    }
    return copy;
  }

  // One filter row of the im2col rows of consecutive outputs.
  void copyFilterRow(long row, long filterRow, long column, long count, float *to) const {
    const long image = row / rows(), y = row % rows() * conv.stride - 1 + filterRow;
    const bool isInside = y >= 0 && y < conv.h;
    const float *const from = images + (image * conv.h + y) * conv.w * conv.inputs;
    for (long c = column; c < column + count; c++, to += pitch) {
      const long left = c * conv.stride - 1;
      const long first = isInside ? max(0, -left) : KERNEL, end = isInside ? min(KERNEL, conv.w - left) : KERNEL;
      copyPixels(from + left * conv.inputs, first * conv.inputs, end * conv.inputs, to);
    }
  }

  // Copies floats `first` to `end` of three pixels, zeros around them.
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
  const Im2col im2col(host, conv, x, PIXELS_AT_ONCE);
  const PackedGroups filters(filter, im2col.group(), false, host);
  if (!im2col.copies.memory) return Outcome::OUT_OF_MEMORY;
  return GroupedProduct<Im2col, Number>{filters, im2col, epilogue, y, productsScratch(host)}.run(host);
}

template <typename Number>
Outcome stemFilterGradient(const Host &host, const Convolution &conv, const float *x, const Number *dy,
                           float *dfilter) {
  const Im2col im2col(host, conv, x, COPIED_PIXELS);
  if (!im2col.copies.memory) return Outcome::OUT_OF_MEMORY;
  return filterGradientOf(host, im2col.group(), im2col, dy, dfilter);
}

}  // namespace
}  // namespace pefd
