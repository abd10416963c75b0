// Small dense matrix products: the inner loop of the convolutions.
#pragma once

#include <utility>

#include "ahead.h"
#include "common.h"
#include "vector.h"

namespace pefd {
namespace {

// Columns of the packed operand that are computed at once.
constexpr long PANEL = 32;
// Most rows at once: rows x columns of sums, a row of the panel and one factor are what the registers hold.
constexpr long ROWS = WIDTH == 16 ? 14 : 6;

// Where an operand's element (row, k) lies.
struct Strides {
  long row, k;
};

// Products that one chain adds up before its sum joins the others. Roundings grow with the length of a chain: short
// ones, and one of their sums, are several times more exact than one chain over everything.
constexpr long CHAIN = 16;

// One chain: c[R, V vectors] = (or +=, where it is told to accumulate) sum over k of a[r, k] * b[k, :], in the order of
// k. Its bits depend neither on the width of the vectors nor on how rows are grouped.
template <int R, int V>
void chain(const float *__restrict a, Strides as, const float *__restrict b, long bStride, float *__restrict c,
           long cStride, long depth, bool accumulate) {
  Vector sums[R][V] = {};
  for (long k = 0; k < depth; k++) {
    Vector row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) row[v] = load(b + k * bStride + v * WIDTH);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const float factor = a[r * as.row + k * as.k];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sums[r][v] = multiplyAdd(factor, row[v], sums[r][v]);
    }
  }
  if (accumulate) {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sums[r][v] += load(c + r * cStride + v * WIDTH);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) store(c + r * cStride + v * WIDTH, sums[r][v]);
}

using Chain = void (*)(const float *, Strides, const float *, long, float *, long, long, bool);

// chain<R, V> at index R.
struct Chains {
  Chain ofRows[ROWS + 1];
};

template <int V, int... R>
constexpr Chains chainsUpTo(std::integer_sequence<int, R...>) {
  return {{nullptr, chain<R + 1, V>...}};
}
template <int V>
constexpr Chains chains = chainsUpTo<V>(std::make_integer_sequence<int, ROWS>{});

// c[rows, columns] from a[rows, depth] and b[depth, columns]; depth is positive, columns are a multiple of CHANNELS and
// at most PANEL. Some of what comes next is fetched for each group of rows.
template <typename Ahead>
inline void multiply(long rows, long columns, long depth, const float *a, Strides as, const float *b, long bStride,
                     float *c, long cStride, bool accumulate, Ahead &ahead) {
  const long groups = ceilDivide(rows, ROWS);
  for (long v = 0; v < columns; v += 2 * WIDTH) {
    const bool two = columns - v >= 2 * WIDTH;
    for (long g = 0; g < groups; g++) {
      ahead.fetch();
      const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
      const Chain run = two ? chains<2>.ofRows[count] : chains<1>.ofRows[count];
      for (long k = 0; k < depth; k += CHAIN) {
        run(a + first * as.row + k * as.k, as, b + k * bStride + v, bStride, c + first * cStride + v, cStride,
            min(CHAIN, depth - k), accumulate || k > 0);
      }
    }
  }
}

inline void multiply(long rows, long columns, long depth, const float *a, Strides as, const float *b, long bStride,
                     float *c, long cStride, bool accumulate) {
  NothingAhead ahead;
  multiply(rows, columns, depth, a, as, b, bStride, c, cStride, accumulate, ahead);
}

}  // namespace
}  // namespace pefd
