// Lists of channels as pairs of neighbouring channels, in a unit for each list.
#pragma once

#include "units.h"

namespace pefd {
namespace {

// Of COUNT lists, of which at(i) is the i-th, by the sums of their squares.
template <int COUNT, typename At>
inline Units unitsOfLists(const At &at, long channels) {
  static_assert(COUNT <= WIDTH, "One element of a vector for each list.");
  Vector squares[WIDTH] = {};
  for (long c = 0; c < channels; c += WIDTH) {
#pragma GCC unroll 16
    for (int i = 0; i < COUNT; i++) {
      const Vector value = load(at(i) + c);
      squares[i] = multiplyAdd(value, value, squares[i]);
    }
  }
  return unitsOf(sumsAcross(squares));
}

// A list as channels / 2 pairs, by its unit's inverse.
inline void writeList(const float *from, long channels, float inverse, Pair *to) {
  long c = 0;
  for (; c + 2 * WIDTH <= channels; c += 2 * WIDTH) {
    store(to + c / 2, neighbours(rounded(load(from + c) * inverse), rounded(load(from + c + WIDTH) * inverse)));
  }
  if (c < channels) storeNeighbours(to + c / 2, rounded(load(from + c) * inverse));
}

}  // namespace
}  // namespace pefd
