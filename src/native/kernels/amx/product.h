// The inner loop of the forward pass: 16 or 32 pixels with 16 or 32 columns of the filter.
#pragma once

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

// sums[M * SIDE][BLOCK], of which N * SIDE columns are written.
template <int M, int N>
inline void multiplyTiles(Units &units, const Operands &of, float *sums) {
  units.zero<0>();
  if (N > 1) units.zero<1>();
  if (M > 1) units.zero<2>();
  if (M > 1 && N > 1) units.zero<3>();
  for (long tap = 0; tap < of.taps; tap++) {
    const Bfloat16 *first = of.first + of.away[tap], *second = of.second + of.away[tap], *b = of.tiles[tap];
    for (long d = 0; d < of.depths; d++, first += DEPTH, second += DEPTH, b += N * TILE_NUMBERS) {
      units.load<6>(b, ROW_BYTES);
      units.load<4>(first, of.pixelBytes);
      units.multiply<0, 4, 6>();
      if (N > 1) {
        units.load<7>(b + TILE_NUMBERS, ROW_BYTES);
        units.multiply<1, 4, 7>();
      }
      if (M > 1) {
        units.load<5>(second, of.pixelBytes);
        units.multiply<2, 5, 6>();
      }
      if (M > 1 && N > 1) units.multiply<3, 5, 7>();
    }
  }
  constexpr long rowBytes = BLOCK * sizeof(float);
  units.store<0>(sums, rowBytes);
  if (N > 1) units.store<1>(sums + SIDE, rowBytes);
  if (M > 1) units.store<2>(sums + SIDE * BLOCK, rowBytes);
  if (M > 1 && N > 1) units.store<3>(sums + SIDE * BLOCK + SIDE, rowBytes);
}

inline void multiplyTiles(Units &units, bool areTwoRows, bool areTwoColumns, const Operands &of, float *sums) {
  if (areTwoRows) return areTwoColumns ? multiplyTiles<2, 2>(units, of, sums) : multiplyTiles<2, 1>(units, of, sums);
  return areTwoColumns ? multiplyTiles<1, 2>(units, of, sums) : multiplyTiles<1, 1>(units, of, sums);
}

}  // namespace
}  // namespace pefd
