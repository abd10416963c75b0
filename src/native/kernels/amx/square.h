// Up to two by two tiles of sums, and products that are added to them: the inner loop of convolutions and of their images' gradients.
#pragma once

#include <type_traits>

#include "units.h"

namespace pefd {
namespace {

// M tiles of rows by N of columns, one or two each, in tiles 0 to 3; what is multiplied is loaded into tiles 4 to 7. In
// memory sums are [M * SIDE][BLOCK], of which N * SIDE columns are used.
template <int M, int N>
struct Square {
  Units &units;

  void zero() const {
    eachTile([&](auto tile, long /*at*/) { units.zero<decltype(tile)::value>(); });
  }
  void store(float *to) const {
    eachTile([&](auto tile, long at) { units.store<decltype(tile)::value>(to + at, SUMS_BYTES); });
  }

  // Adds products of DEPTH numbers of each row, rows being rowBytes apart, and of tiles of columns.
  inline void add(const Bfloat16 *firstRows, const Bfloat16 *secondRows, long rowBytes, const Bfloat16 *firstColumns,
                  const Bfloat16 *secondColumns) const {
    units.load<6>(firstColumns, ROW_BYTES);
    units.load<4>(firstRows, rowBytes);
    units.multiply<0, 4, 6>();
    if (N > 1) {
      units.load<7>(secondColumns, ROW_BYTES);
      units.multiply<1, 4, 7>();
    }
    if (M > 1) {
      units.load<5>(secondRows, rowBytes);
      units.multiply<2, 5, 6>();
    }
    if (M > 1 && N > 1) units.multiply<3, 5, 7>();
  }

 private:
  static constexpr long SUMS_BYTES = BLOCK * sizeof(float);

  template <typename Each>
  inline void eachTile(Each each) const {
    each(std::integral_constant<int, 0>{}, 0);
    if (N > 1) each(std::integral_constant<int, 1>{}, SIDE);
    if (M > 1) each(std::integral_constant<int, 2>{}, SIDE * BLOCK);
    if (M > 1 && N > 1) each(std::integral_constant<int, 3>{}, SIDE * BLOCK + SIDE);
  }
};

// Calls `run` with a square of one tile or two of rows and of columns.
template <typename Run>
inline void withSquare(Units &units, bool areTwoRows, bool areTwoColumns, Run run) {
  if (areTwoRows) {
    areTwoColumns ? run(Square<2, 2>{units}) : run(Square<2, 1>{units});
  } else {
    areTwoColumns ? run(Square<1, 2>{units}) : run(Square<1, 1>{units});
  }
}

}  // namespace
}  // namespace pefd
