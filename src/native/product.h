// Small dense matrix products: the inner loop of the convolutions.
#pragma once

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

// c[ROWS, V vectors] = (or +=, where it is told to accumulate) sum over k of a[r, k] * b[k, :]. Every sum is one chain
// in the order of k: its bits depend neither on the width of the vectors nor on how rows are grouped.
template <int R, int V>
inline void block(const float *__restrict a, Strides as, const float *__restrict b, long bStride, float *__restrict c,
                  long cStride, long depth, bool accumulate) {
  Vector sums[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) sums[r][v] = accumulate ? load(c + r * cStride + v * WIDTH) : Vector{};
  for (long k = 0; k < depth; k++) {
    Vector row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) row[v] = load(b + k * bStride + v * WIDTH);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const float factor = a[r * as.row + k * as.k];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sums[r][v] += factor * row[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) store(c + r * cStride + v * WIDTH, sums[r][v]);
}

using Block = void (*)(const float *, Strides, const float *, long, float *, long, long, bool);

template <int V>
constexpr Block blocks[15] = {
    nullptr,        block<1, V>,  block<2, V>,  block<3, V>, block<4, V>,
    block<5, V>,    block<6, V>,
#if defined(__AVX512F__)
    block<7, V>,    block<8, V>,  block<9, V>,  block<10, V>, block<11, V>,
    block<12, V>,   block<13, V>, block<14, V>,
#endif
};

// c[rows, columns] from a[rows, depth] and b[depth, columns], columns a multiple of CHANNELS and at most PANEL.
inline void multiply(long rows, long columns, long depth, const float *a, Strides as, const float *b, long bStride,
                     float *c, long cStride, bool accumulate) {
  const long groups = (rows + ROWS - 1) / ROWS;
  for (long v = 0; v < columns; v += 2 * WIDTH) {
    const bool two = columns - v >= 2 * WIDTH;
    for (long g = 0; g < groups; g++) {
      const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
      const Block run = two ? blocks<2>[count] : blocks<1>[count];
      run(a + first * as.row, as, b + v, bStride, c + first * cStride + v, cStride, depth, accumulate);
    }
  }
}

}  // namespace
}  // namespace pefd
