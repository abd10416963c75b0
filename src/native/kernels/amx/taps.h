// Filters in bfloat16 as the units take them: for each block of columns, each tap and each DEPTH rows one tile or two,
// in whose rows pairs of rows lie.
#pragma once

#include "../tiled/filter.h"
#include "images.h"

namespace pefd {
namespace {

// A filter's taps [taps][rows][columns], or its channels exchanged for the gradient of the images.
struct PackedTaps {
  const float *const filter;
  const long taps, rows, columns;
  const bool isTurned;
  Bfloat16 *packed;

  long blocks() const { return ceilDivide(columns, BLOCK); }
  long depths() const { return ceilDivide(rows, DEPTH); }
  // Tiles of a block of columns: the last may have one.
  long tilesOf(long block) const { return min(2, columns / SIDE - 2 * block); }
  // A tap of a block of columns.
  Bfloat16 *at(long block, long tap) const {
    return packed + depths() * TILE_NUMBERS * (2 * block * taps + tilesOf(block) * tap);
  }

  static long numbers(long taps, long rows, long columns) { return taps * deepened(rows) * columns; }

  void pack(long index, long /*worker*/) const {
    const long block = index / taps, tap = index % taps, tiles = tilesOf(block);
    Bfloat16 *to = at(block, tap);
    for (long d = 0; d < depths(); d++) {
      for (long t = 0; t < tiles; t++, to += TILE_NUMBERS) {
        const long row = d * DEPTH, column = (2 * block + t) * SIDE;
        const float *from = filter + tap * rows * columns;
        isTurned ? packTurned(from + column * rows + row, rows - row, to)
                 : packRows(from + row * columns + column, rows - row, to);
      }
    }
  }

  // A tile of rows as they lie.
  void packRows(const float *from, long left, Bfloat16 *to) const {
    for (long r = 0; r < DEPTH; r += 2) {
      const Vector first = r < left ? load(from + r * columns) : Vector{};
      const Vector second = r < left ? load(from + (r + 1) * columns) : Vector{};
      store(to + r * SIDE, pairs(first, second));
    }
  }

  // A tile of a filter whose rows are columns here.
  void packTurned(const float *from, long left, Bfloat16 *to) const {
    Words words[SIDE];
    for (long c = 0; c < SIDE; c++) {
      const float *line = from + c * rows;
      words[c] = inARow(load(line), left > WIDTH ? load(line + WIDTH) : Vector{});
    }
    turn(words);
    for (long r = 0; r < SIDE; r++) store(to + r * DEPTH, words[r]);
  }

  void run(const Host &host) const { parallelFor<PackedTaps, &PackedTaps::pack>(host, blocks() * taps, *this); }
};

}  // namespace
}  // namespace pefd
