// int16 GEMM microkernels: VNNI dot products, int32 accumulators, per-row scales.
#pragma once

#include <utility>

#include "../gemm.h"
#include "vnni.h"

namespace pefd {
namespace {

// An operand: pairs along the reduction axis, and the scales of its rows or columns.
struct Operand {
  const Pair *pairs;
  Strides strides;
  const float *scales;
};

// Output to a matrix, stored or accumulated.
struct ToMatrix {
  float *c;
  long stride;
  bool accumulate;

  ToMatrix from(long row) const { return {c + row * stride, stride, accumulate}; }
  inline void put(long row, long column, Vector sum) const {
    float *to = c + row * stride + column;
    store(to, accumulate ? load(to) + sum : sum);
  }
};

// R rows and V vectors: dot products of a's pairs [r, k] and b's pairs [k, :], scaled back to float32 and passed to
// `where`. int32 sums are exact, so the reduction order does not matter.
template <typename Results, int R, int V>
void int16Microkernel(const Operand &a, const Operand &b, long depth, const Results &where) {
  // A copy, so that the compiler knows that stores do not change it.
  const Results results = where;
  Pairs sums[R][V] = {};
  const Pair *__restrict factors = a.pairs, *__restrict rows = b.pairs;
  for (long k = 0; k < depth; k++) {
    Pairs row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) row[v] = load(rows + k * b.strides.k + v * WIDTH);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const Pair factor = factors[r * a.strides.row + k * a.strides.k];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sums[r][v] = multiplyAdd(factor, row[v], sums[r][v]);
    }
  }
  Vector scales[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) scales[v] = load(b.scales + v * WIDTH);
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    const float scale = a.scales[r];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) results.put(r, v * WIDTH, toFloat(sums[r][v]) * (scale * scales[v]));
  }
}

template <typename Results>
using Int16Microkernel = void (*)(const Operand &, const Operand &, long, const Results &);

// int16Microkernel<Results, R, V> at index R.
template <typename Results>
struct Int16Microkernels {
  Int16Microkernel<Results> ofRows[ROWS + 1];
};

template <typename Results, int V, int... R>
constexpr Int16Microkernels<Results> int16MicrokernelsUpTo(std::integer_sequence<int, R...>) {
  return {{nullptr, int16Microkernel<Results, R + 1, V>...}};
}
template <typename Results, int V>
constexpr Int16Microkernels<Results> int16Microkernels =
    int16MicrokernelsUpTo<Results, V>(std::make_integer_sequence<int, ROWS>{});

// Results [rows, columns] of a[rows, depth] and b[depth, columns] in pairs; columns are CHANNELS or PANEL. Issues some
// prefetches per block of rows.
template <typename Results, typename Prefetch>
inline void gemm(long rows, long columns, long depth, const Operand &a, const Operand &b, const Results &results,
                 Prefetch &prefetch) {
  const Int16Microkernels<Results> &microkernels =
      columns == PANEL ? int16Microkernels<Results, 2> : int16Microkernels<Results, 1>;
  const long groups = ceilDivide(rows, ROWS);
  for (long g = 0; g < groups; g++) {
    prefetch.fetch();
    const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
    const Operand some{a.pairs + first * a.strides.row, a.strides, a.scales + first};
    microkernels.ofRows[count](some, b, depth, results.from(first));
  }
}

}  // namespace
}  // namespace pefd
