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

// Results in a matrix, where they take the place of what is there or join it.
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

// R rows and V vectors: the sum over k of both products of a's pair [r, k] with b's pairs [k, :], in units of both, is put
// where results go. Whole numbers are summed exactly, so that their order says nothing.
template <typename Results, int R, int V>
void pairChain(const Operand &a, const Operand &b, long depth, const Results &where) {
  // A copy, which nothing that is stored can change.
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
  Vector units[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) units[v] = load(b.units + v * WIDTH);
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    const float unit = a.units[r];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) results.put(r, v * WIDTH, floats(sums[r][v]) * (unit * units[v]));
  }
}

template <typename Results>
using PairChain = void (*)(const Operand &, const Operand &, long, const Results &);

// pairChain<Results, R, V> at index R.
template <typename Results>
struct PairChains {
  PairChain<Results> ofRows[ROWS + 1];
};

template <typename Results, int V, int... R>
constexpr PairChains<Results> pairChainsUpTo(std::integer_sequence<int, R...>) {
  return {{nullptr, pairChain<Results, R + 1, V>...}};
}
template <typename Results, int V>
constexpr PairChains<Results> pairChains = pairChainsUpTo<Results, V>(std::make_integer_sequence<int, ROWS>{});

// Results [rows, columns] from a[rows, depth] and b[depth, columns] of pairs; columns are CHANNELS or PANEL. Some of what
// comes next is fetched for each group of rows.
template <typename Results, typename Ahead>
inline void multiply(long rows, long columns, long depth, const Operand &a, const Operand &b, const Results &results,
                     Ahead &ahead) {
  const PairChains<Results> &chains = columns == PANEL ? pairChains<Results, 2> : pairChains<Results, 1>;
  const long groups = ceilDivide(rows, ROWS);
  for (long g = 0; g < groups; g++) {
    ahead.fetch();
    const long first = rows * g / groups, count = rows * (g + 1) / groups - first;
    const Operand some{a.pairs + first * a.strides.row, a.strides, a.units + first};
    chains.ofRows[count](some, b, depth, results.from(first));
  }
}

}  // namespace
}  // namespace pefd
