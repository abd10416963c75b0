// The inner loop of the forward pass: 16 or 32 pixels with 16 or 32 columns of the filter.
#pragma once

#include "square.h"
#include "taps.h"

namespace pefd {
namespace {

// What a product of tiles goes over: from each of two pixels on `SIDE` of them, and for each tap how far from there the
// pixels lie that it sees, in numbers, and its tiles.
struct Operands {
  const Bfloat16 *first, *second;
  long pixelBytes, depths, taps;
  const long *away;
  const Bfloat16 *const *tiles;
};

// sums[pixels][BLOCK] of as many pixels and columns as the square has.
template <int M, int N>
inline void multiplyTiles(const Square<M, N> &square, const Operands &of, float *sums) {
  square.zero();
  for (long tap = 0; tap < of.taps; tap++) {
    const Bfloat16 *first = of.first + of.away[tap], *second = of.second + of.away[tap], *b = of.tiles[tap];
    for (long d = 0; d < of.depths; d++, first += DEPTH, second += DEPTH, b += N * TILE_NUMBERS) {
      square.add(first, second, of.pixelBytes, b, b + TILE_NUMBERS);
    }
  }
  square.store(sums);
}

}  // namespace
}  // namespace pefd
