// Lists as pairs, in a unit for each list: a list of channels as pairs of neighbours, and lists along tiles or pixels, one for each
// channel, as pairs of one tile or pixel and the next.
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
template <typename Number>
inline void writeList(const Number *from, long channels, float inverse, Pair *to) {
  long c = 0;
  for (; c + 2 * WIDTH <= channels; c += 2 * WIDTH) {
    store(to + c / 2, neighbours(rounded(load(from + c) * inverse), rounded(load(from + c + WIDTH) * inverse)));
  }
  if (c < channels) storeNeighbours(to + c / 2, rounded(load(from + c) * inverse));
}

// Of some vectors of channels, each channel a list along so many tiles or pixels; at(t, v) has a vector of each list's elements.
template <int VECTORS, typename At>
inline void unitsAlong(const At &at, long count, Units (&found)[VECTORS]) {
  // Sums in chains, since one waits for each of its terms.
  constexpr int CHAINS = 4;
  Vector squares[CHAINS][VECTORS] = {};
  const auto add = [&](long t, int chain) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const Vector value = at(t, v);
      squares[chain][v] = multiplyAdd(value, value, squares[chain][v]);
    }
  };
  const long whole = count / CHAINS * CHAINS;
  for (long t = 0; t < whole; t += CHAINS) {
#pragma GCC unroll 4
    for (int i = 0; i < CHAINS; i++) add(t + i, i);
  }
  for (long t = whole; t < count; t++) add(t, 0);
#pragma GCC unroll 2
  for (int v = 0; v < VECTORS; v++) {
    found[v] = unitsOf((squares[0][v] + squares[1][v]) + (squares[2][v] + squares[3][v]));
  }
}

// These lists in their units, each pair so many after the one before.
template <int VECTORS, typename At>
inline void writeAlong(const At &at, long count, const Units (&found)[VECTORS], Pair *to, long apart) {
  for (long t = 0; t < count; t += 2, to += apart) {
    const bool isLast = t + 1 == count;
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const Pairs other = isLast ? Pairs{} : rounded(at(t + 1, v) * found[v].inverse);
      store(to + v * WIDTH, joined(rounded(at(t, v) * found[v].inverse), other));
    }
  }
}

}  // namespace
}  // namespace pefd
