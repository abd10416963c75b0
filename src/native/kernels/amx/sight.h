// Which pixels the taps of a convolution see, and copies of images in which those of neighbouring results lie side by
// side, so that a tile is 16 results' pixels as they lie.
#pragma once

#include "../common.h"
#include "bfloat16.h"
#include "units.h"

namespace pefd {
namespace {

constexpr long MOST_TAPS = 3;

// What results see along one axis: result i meets tap[s] at pixel first[s] + step * i of the source.
struct Axis {
  long step = 1, count = 0, tap[MOST_TAPS] = {}, first[MOST_TAPS] = {};

  void add(long itsTap, long itsFirst) {
    tap[count] = itsTap;
    first[count++] = itsFirst;
  }
};

// The forward pass: result i meets tap k at pixel stride * i + k - padding.
inline Axis forwardAxis(long kernel, long stride) {
  Axis axis;
  axis.step = stride;
  for (long k = 0; k < kernel; k++) axis.add(k, k - kernel / 2);
  return axis;
}

// The gradient of the images, of pixels `phase`, phase + stride, ...: pixel i of them meets tap k at the gradient of
// result i + (phase + padding - k) / stride, where that is a whole number.
inline Axis gradientAxis(long kernel, long stride, long phase) {
  Axis axis;
  for (long k = kernel - 1; k >= 0; k--) {
    const long distance = phase + kernel / 2 - k;
    if (distance % stride == 0) axis.add(k, distance / stride);
  }
  return axis;
}

// The lines of pixels along one axis that are copied: line j holds pixels first[j] + step * i. A tap sees one of them
// from a pixel on.
struct Lines {
  long step, count = 0, first[MOST_TAPS] = {}, most[MOST_TAPS] = {};
  // Whether every tap has a line of its own, so that none sees a line from its second pixel on.
  bool areApart;

  Lines(const Axis &axis, bool areApart) : step(axis.step), areApart(areApart) {
    for (long s = 0; s < axis.count; s++) {
      const long line = lineOf(axis.first[s]);
      if (line == count) first[count++] = axis.first[s];
      most[line] = max(most[line], shiftOf(axis.first[s]));
    }
  }

  long lineOf(long start) const {
    long line = 0;
    while (line < count && !holds(line, start)) line++;
    return line;
  }
  long shiftOf(long start) const { return (start - first[lineOf(start)]) / step; }

  // Pixels that a line has behind those of the results.
  long further() const { return max(most[0], max(most[1], most[2])); }

 private:
  bool holds(long line, long start) const {
    return areApart ? start == first[line] : (start - first[line]) % step == 0;
  }
};

// Copies of some rows of an image: one for every line of rows and of columns.
struct Copies {
  Lines rows, columns;
  // Results that see them: rows of one band, and all columns.
  long resultRows, resultColumns;
  long rowPixels;

  Copies(Lines rows, Lines columns, long resultRows, long resultColumns, long rowMultiple = 1)
      : rows(rows),
        columns(columns),
        resultRows(resultRows),
        resultColumns(resultColumns),
        rowPixels(ceilDivide(resultColumns + columns.further(), rowMultiple) * rowMultiple) {}

  long count() const { return rows.count * columns.count; }
  // Pixels of one copy. Tiles may reach behind its last row.
  long pixels() const { return (resultRows + rows.further()) * rowPixels + BLOCK; }

  // Which copy a tap sees, and from which pixel on.
  struct Place {
    long copy, pixel;
  };
  Place of(long firstRow, long firstColumn) const {
    return {rows.lineOf(firstRow) * columns.count + columns.lineOf(firstColumn),
            rows.shiftOf(firstRow) * rowPixels + columns.shiftOf(firstColumn)};
  }
};

// One image [height, width, channels].
template <typename Number>
struct Source {
  const Number *pixels;
  long height, width, channels;

  const Number *at(long row, long column) const {
    const bool isInside = row >= 0 && row < height && column >= 0 && column < width;
    return isInside ? pixels + (row * width + column) * channels : nullptr;
  }
};

}  // namespace
}  // namespace pefd
