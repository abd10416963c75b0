// Small dense matrix products of pairs: the inner loop of convolutions in whole numbers.
#pragma once

#include <utility>

#include "../product.h"
#include "integers.h"

namespace pefd {
namespace {

// A matrix of pairs along the axis that is summed over, and the units of its rows or columns.
struct Operand {
  const Pair *pairs;
  Strides strides;
  const float *units;
};

// c[R, V vectors] = (or +=, where it is told to accumulate) the sum over k of both products of a's pair [r, k] with b's
// pairs [k, :], in units of both. Whole numbers are summed exactly, so that their order says nothing.
template <int R, int V>
void pairChain(const Operand &a, const Operand &b, float *__restrict c, long cStride, long depth, bool accumulate) {
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
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      float *to = c + r * cStride + v * WIDTH;
      const Vector units = a.units[r] * load(b.units + v * WIDTH);
      const Vector sum = floats(sums[r][v]) * units;
      store(to, accumulate ? load(to) + sum : sum);
    }
}

using PairChain = void (*)(const Operand &, const Operand &, float *, long, long, bool);

// pairChain<R, V> at index R.
struct PairChains {
  PairChain ofRows[ROWS + 1];
};

template <int V, int... R>
constexpr PairChains pairChainsUpTo(std::integer_sequence<int, R...>) {
  return {{nullptr, pairChain<R + 1, V>...}};
}
template <int V>
constexpr PairChains pairChains = pairChainsUpTo<V>(std::make_integer_sequence<int, ROWS>{});

// c[rows, columns] from a[rows, depth] and b[depth, columns] of pairs; columns are CHANNELS or PANEL. Some of what comes next
// is fetched for each group of rows.
template <typename Ahead>
inline void multiply(long rows, long columns, long depth, const Operand &a, const Operand &b, float *c, long cStride,
                     bool accumulate, Ahead &ahead) {
  const PairChains &chains = columns == PANEL ? pairChains<2> : pairChains<1>;
  const long groups = ceilDivide(rows, ROWS);
  for (long g = 0; g < groups; g++) {
    ahead.fetch();
    const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
    const Operand some{a.pairs + first * a.strides.row, a.strides, a.units + first};
    chains.ofRows[count](some, b, c + first * cStride, cStride, depth, accumulate);
  }
}

}  // namespace
}  // namespace pefd
