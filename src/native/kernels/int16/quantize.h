// Dynamic symmetric quantization to int16 with per-row scales. The scale of a row (along the reduction axis) is its L2
// norm over QUANTIZED_NORM: by Cauchy-Schwarz no dot product of two rows, and no partial sum of it, exceeds
// QUANTIZED_NORM^2, which fits int32 whatever their length.
#pragma once

#include "vnni.h"

namespace pefd {
namespace {

// Rounding adds far less than the margin to 2^31 of a sum and to 2^15 of an element.
constexpr float QUANTIZED_NORM = 32700;
// Rows with squared norms up to this quantize to zeros: their scale has no inverse.
constexpr float ZERO_SQUARED_NORM = 0x1p-120f;

// Scales of several rows, and their inverses. NaN and infinity stay in the scale.
struct Scales {
  Vector scale, inverse;
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

// Scales from squared norms.
inline Scales scalesOf(Vector squares) {
  const Vector lengths = squareRoots(squares), zero = {};
  return {squares <= ZERO_SQUARED_NORM ? zero : lengths / QUANTIZED_NORM,
          squares <= ZERO_SQUARED_NORM ? zero : QUANTIZED_NORM / lengths};
}

// Adds halves of each vector: those of `first`, then those of `second`.
template <int DISTANCE>
inline Vector addHalves(Vector first, Vector second) {
  Pairs lower, upper;
#pragma GCC unroll 16
  for (int i = 0; i < WIDTH; i++) {
    // Blocks of DISTANCE elements, alternating between the vectors, from every second block.
    const int block = i / DISTANCE, from = block / 2 * 2 * DISTANCE + i % DISTANCE + (block % 2) * WIDTH;
    lower[i] = from;
    upper[i] = from + DISTANCE;
  }
  return __builtin_shuffle(first, second, lower) + __builtin_shuffle(first, second, upper);
}

// Element i is the horizontal sum of vector i.
inline Vector horizontalSums(const Vector (&of)[WIDTH]) {
  Vector eights[8], fours[4], twos[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) eights[i] = addHalves<8>(of[i], of[i + 8]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) fours[i] = addHalves<4>(eights[i], eights[i + 4]);
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) twos[i] = addHalves<2>(fours[i], fours[i + 2]);
  return addHalves<1>(twos[0], twos[1]);
}

// Scales of COUNT rows at(i).
template <int COUNT, typename At>
inline Scales rowScales(const At &at, long channels) {
  static_assert(COUNT <= WIDTH, "One lane per row.");
  Vector squares[WIDTH] = {};
  for (long c = 0; c < channels; c += WIDTH) {
#pragma GCC unroll 16
    for (int i = 0; i < COUNT; i++) {
      const Vector value = load(at(i) + c);
      squares[i] = multiplyAdd(value, value, squares[i]);
    }
  }
  return scalesOf(horizontalSums(squares));
}

// Quantizes a row to channels / 2 pairs.
template <typename Number>
inline void quantizeRow(const Number *from, long channels, float inverse, Pair *to) {
  long c = 0;
  for (; c + 2 * WIDTH <= channels; c += 2 * WIDTH) {
    store(to + c / 2,
          packNeighbours(roundToInt32(load(from + c) * inverse), roundToInt32(load(from + c + WIDTH) * inverse)));
  }
  if (c < channels) storePackedNeighbours(to + c / 2, roundToInt32(load(from + c) * inverse));
}

// Scales along tiles or pixels: one row per channel; at(t, v) is the vector v of channels of tile or pixel t.
template <int VECTORS, typename At>
inline void columnScales(const At &at, long count, Scales (&found)[VECTORS]) {
  // Partial accumulators, to hide the latency of FMAs.
  constexpr int PARTIALS = 4;
  Vector squares[PARTIALS][VECTORS] = {};
  const auto add = [&](long t, int partial) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const Vector value = at(t, v);
      squares[partial][v] = multiplyAdd(value, value, squares[partial][v]);
    }
  };
  const long whole = count / PARTIALS * PARTIALS;
  for (long t = 0; t < whole; t += PARTIALS) {
#pragma GCC unroll 4
    for (int i = 0; i < PARTIALS; i++) add(t + i, i);
  }
  for (long t = whole; t < count; t++) add(t, 0);
#pragma GCC unroll 2
  for (int v = 0; v < VECTORS; v++) {
    found[v] = scalesOf((squares[0][v] + squares[1][v]) + (squares[2][v] + squares[3][v]));
  }
}

// Quantizes along tiles or pixels: pairs of t and t + 1, `apart` from each other.
template <int VECTORS, typename At>
inline void quantizeColumns(const At &at, long count, const Scales (&found)[VECTORS], Pair *to, long apart) {
  for (long t = 0; t < count; t += 2, to += apart) {
    const bool isLast = t + 1 == count;
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const Pairs other = isLast ? Pairs{} : roundToInt32(at(t + 1, v) * found[v].inverse);
      store(to + v * WIDTH, packPairs(roundToInt32(at(t, v) * found[v].inverse), other));
    }
  }
}

}  // namespace
}  // namespace pefd
