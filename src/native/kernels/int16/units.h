// Numbers as whole multiples of a unit. Each list of numbers that meet another list in a sum of products has a unit of
// its own: the length of the list, as a vector, is LENGTH units. By the inequality of Cauchy and Schwarz no sum of
// products of two such lists, and no part of it, exceeds LENGTH * LENGTH, so that 32 bits hold it, however long they are.
#pragma once

#include "integers.h"

namespace pefd {
namespace {

// What rounding adds to lists of any length that fits memory is far from the 2^31 of a sum, and the 2^15 of a number.
constexpr float LENGTH = 32700;
// Squared lengths up to which a list counts as zeros: what is shorter has no inverse.
constexpr float NOTHING = 0x1p-120f;

// Of each element's list: its unit, and the unit's inverse. What is no number stays none in the unit.
struct Units {
  Vector unit, inverse;
};

inline Vector squareRoots(Vector squares) {
#if defined(PEFD_VECTOR_WIDTH)
  Vector roots;
  for (long i = 0; i < WIDTH; i++) roots[i] = __builtin_sqrtf(squares[i]);
  return roots;
#else
  return _mm512_sqrt_ps(squares);
#endif
}

// Of lists by the sums of their squares.
inline Units unitsOf(Vector squares) {
  const Vector lengths = squareRoots(squares), zero = {};
  return {squares <= NOTHING ? zero : lengths / LENGTH, squares <= NOTHING ? zero : LENGTH / lengths};
}

// Halves of two vectors' elements added up: those of `first` first.
template <int DISTANCE>
inline Vector halves(Vector first, Vector second) {
  Pairs lower, upper;
#pragma GCC unroll 16
  for (int i = 0; i < WIDTH; i++) {
    // Blocks of DISTANCE elements, one of each vector in turns, from every second block.
    const int block = i / DISTANCE, from = block / 2 * 2 * DISTANCE + i % DISTANCE + (block % 2) * WIDTH;
    lower[i] = from;
    upper[i] = from + DISTANCE;
  }
  return __builtin_shuffle(first, second, lower) + __builtin_shuffle(first, second, upper);
}

// Element i is the sum of all elements of vector i.
inline Vector sumsAcross(const Vector (&of)[WIDTH]) {
  Vector eights[8], fours[4], twos[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) eights[i] = halves<8>(of[i], of[i + 8]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) fours[i] = halves<4>(eights[i], eights[i + 4]);
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) twos[i] = halves<2>(fours[i], fours[i + 2]);
  return halves<1>(twos[0], twos[1]);
}

}  // namespace
}  // namespace pefd
