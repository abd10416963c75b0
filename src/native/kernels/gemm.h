// float32 GEMM microkernels.
#pragma once

#include <utility>

#include "common.h"
#include "prefetch.h"
#include "vector.h"

namespace pefd {
namespace {

// Columns of a panel of the packed operand.
constexpr long PANEL = 32;
// Rows of a microkernel: accumulators, a row of the panel and a broadcast factor fill the registers.
constexpr long ROWS = WIDTH == 16 ? 14 : 6;

// Strides of an operand.
struct Strides {
  long row, k;
};

// Products of a partial accumulator. Rounding errors grow with its length: short ones, then added up, are several times
// more exact than one sum.
constexpr long PARTIAL_LENGTH = 16;

// c[R, V vectors] = (or +=, to accumulate) sum over k of a[r, k] * b[k, :], in the order of k. The bits depend neither
// on the vector width nor on the blocking of rows.
template <int R, int V>
void microkernel(const float *__restrict a, Strides as, const float *__restrict b, long bStride, float *__restrict c,
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

using Microkernel = void (*)(const float *, Strides, const float *, long, float *, long, long, bool);

// microkernel<R, V> at index R.
struct Microkernels {
  Microkernel ofRows[ROWS + 1];
};

template <int V, int... R>
constexpr Microkernels microkernelsUpTo(std::integer_sequence<int, R...>) {
  return {{nullptr, microkernel<R + 1, V>...}};
}
template <int V>
constexpr Microkernels microkernels = microkernelsUpTo<V>(std::make_integer_sequence<int, ROWS>{});

// c[rows, columns] = a[rows, depth] b[depth, columns]; depth is positive, columns a multiple of CHANNELS and at most
// PANEL. Issues some prefetches per block of rows.
template <typename Prefetch>
inline void gemm(long rows, long columns, long depth, const float *a, Strides as, const float *b, long bStride,
                 float *c, long cStride, bool accumulate, Prefetch &prefetch) {
  const long groups = ceilDivide(rows, ROWS);
  for (long v = 0; v < columns; v += 2 * WIDTH) {
    const bool two = columns - v >= 2 * WIDTH;
    for (long g = 0; g < groups; g++) {
      prefetch.fetch();
      const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
      const Microkernel run = two ? microkernels<2>.ofRows[count] : microkernels<1>.ofRows[count];
      for (long k = 0; k < depth; k += PARTIAL_LENGTH) {
        run(a + first * as.row + k * as.k, as, b + k * bStride + v, bStride, c + first * cStride + v, cStride,
            min(PARTIAL_LENGTH, depth - k), accumulate || k > 0);
      }
    }
  }
}

inline void gemm(long rows, long columns, long depth, const float *a, Strides as, const float *b, long bStride,
                 float *c, long cStride, bool accumulate) {
  NoPrefetch prefetch;
  gemm(rows, columns, depth, a, as, b, bStride, c, cStride, accumulate, prefetch);
}

}  // namespace
}  // namespace pefd
