// The two last axes exchanged, as a shuffle of channels does. One of them is short: as many as there are groups.
#pragma once

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// Floats that one task moves, about; fewer are not worth a second thread.
constexpr long TASK_FLOATS = 1 << 14;

// The two last axes of `count` matrices; one of them is LENGTH where that is not 0, so that its loop is laid out.
template <long LENGTH>
void swapMatrices(long count, long rows, long columns, const float *__restrict from, float *__restrict to) {
  const bool isWide = LENGTH != 0 && rows == LENGTH;
  const long outer = isWide ? columns : rows, inner = LENGTH != 0 ? LENGTH : columns;
  for (long m = 0; m < count; m++, from += rows * columns, to += rows * columns) {
    if (isWide) {
      for (long o = 0; o < outer; o++)
        for (long i = 0; i < inner; i++) to[o * inner + i] = from[i * outer + o];
    } else {
      for (long o = 0; o < outer; o++)
        for (long i = 0; i < inner; i++) to[i * outer + o] = from[o * inner + i];
    }
  }
}

struct Swap {
  const Matrices &matrices;
  const float *const from;
  float *const to;

  long perTask() const { return max(1, TASK_FLOATS / max(1, matrices.rows * matrices.columns)); }
  long tasks() const { return ceilDivide(matrices.count, perTask()); }

  void some(long index, long /*worker*/) const {
    const auto &[count, rows, columns] = matrices;
    const long first = index * perTask(), size = rows * columns;
    const long shorter = min(rows, columns);
    const auto run = shorter == 2   ? swapMatrices<2>
                     : shorter == 3 ? swapMatrices<3>
                     : shorter == 4 ? swapMatrices<4>
                                    : swapMatrices<0>;
    run(min(perTask(), count - first), rows, columns, from + first * size, to + first * size);
  }
};

void swapLastAxes(const Host &host, const Matrices &matrices, const float *from, float *to) {
  const Swap swap{matrices, from, to};
  parallelFor<Swap, &Swap::some>(host, swap.tasks(), swap);
}

}  // namespace
}  // namespace pefd
