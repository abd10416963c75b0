// Receptive fields of taps, and zero-padded copies of images in which the pixels that 16 adjacent outputs read are
// contiguous.
#pragma once

#include "../common.h"
#include "tiles.h"

namespace pefd {
namespace {

constexpr long MAX_TAPS = 3;

// Along one axis, output i reads tap[s] at input pixel first[s] + step * i.
struct ReceptiveField {
  long step = 1, count = 0, tap[MAX_TAPS] = {}, first[MAX_TAPS] = {};

  void add(long itsTap, long itsFirst) {
    tap[count] = itsTap;
    first[count++] = itsFirst;
  }
};

// Forward: output i reads tap k at pixel stride * i + k - padding.
inline ReceptiveField forwardField(long kernel, long stride) {
  ReceptiveField field;
  field.step = stride;
  for (long k = 0; k < kernel; k++) field.add(k, k - kernel / 2);
  return field;
}

// dgrad of pixels `phase`, phase + stride, ...: pixel i reads tap k at output gradient i + (phase + padding - k) /
// stride, where that is an integer.
inline ReceptiveField dgradField(long kernel, long stride, long phase) {
  ReceptiveField field;
  for (long k = kernel - 1; k >= 0; k--) {
    const long distance = phase + kernel / 2 - k;
    if (distance % stride == 0) field.add(k, distance / stride);
  }
  return field;
}

// The copies along one axis: copy j holds pixels first[j] + step * i. A tap reads one copy at an offset.
struct CopyLines {
  long step, count = 0, first[MAX_TAPS] = {}, most[MAX_TAPS] = {};
  // Whether every tap has its own copy, so that no offset is needed.
  bool perTap;

  CopyLines(const ReceptiveField &field, bool perTap) : step(field.step), perTap(perTap) {
    for (long s = 0; s < field.count; s++) {
      const long line = lineOf(field.first[s]);
      if (line == count) first[count++] = field.first[s];
      most[line] = max(most[line], shiftOf(field.first[s]));
    }
  }

  long lineOf(long start) const {
    long line = 0;
    while (line < count && !holds(line, start)) line++;
    return line;
  }
  long shiftOf(long start) const { return (start - first[lineOf(start)]) / step; }

  // Pixels of a copy past those of the outputs.
  long further() const { return max(most[0], max(most[1], most[2])); }

 private:
  bool holds(long line, long start) const { return perTap ? start == first[line] : (start - first[line]) % step == 0; }
};

// Copies of some rows of an image, one per copy of rows and of columns.
struct ShiftedCopies {
  CopyLines rows, columns;
  // Outputs that read them: the rows of a band, and all columns.
  long resultRows, resultColumns;
  long rowPixels;

  ShiftedCopies(CopyLines rows, CopyLines columns, long resultRows, long resultColumns, long rowMultiple = 1)
      : rows(rows),
        columns(columns),
        resultRows(resultRows),
        resultColumns(resultColumns),
        rowPixels(ceilDivide(resultColumns + columns.further(), rowMultiple) * rowMultiple) {}

  long count() const { return rows.count * columns.count; }
  // Pixels of one copy. Tiles may read past its last row.
  long pixels() const { return (resultRows + rows.further()) * rowPixels + BLOCK; }

  // The copy that a tap reads, and the offset.
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
