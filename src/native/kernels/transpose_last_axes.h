// Transpose of the last two axes, as in a channel shuffle. One of them is short: the number of groups.
#pragma once

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// Floats of a task, about.
constexpr long TASK_FLOATS = 1 << 14;

// `count` matrices; LENGTH, if not 0, is the shorter axis, so that its loop is unrolled.
template <long LENGTH>
void transposeMatrices(long count, long rows, long columns, const float *__restrict from, float *__restrict to) {
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

struct TransposeTasks {
  const Matrices &matrices;
  const float *const from;
  float *const to;

  long perTask() const { return max(1, TASK_FLOATS / max(1, matrices.rows * matrices.columns)); }
  long tasks() const { return ceilDivide(matrices.count, perTask()); }

  void some(long index, long /*worker*/) const {
    const auto &[count, rows, columns] = matrices;
    const long first = index * perTask(), size = rows * columns;
    const long shorter = min(rows, columns);
    const auto run = shorter == 2   ? transposeMatrices<2>
                     : shorter == 3 ? transposeMatrices<3>
                     : shorter == 4 ? transposeMatrices<4>
                                    : transposeMatrices<0>;
    run(min(perTask(), count - first), rows, columns, from + first * size, to + first * size);
  }
};

void transposeLastAxes(const Host &host, const Matrices &matrices, const float *from, float *to) {
  const TransposeTasks swap{matrices, from, to};
  parallelFor<TransposeTasks, &TransposeTasks::some>(host, swap.tasks(), swap);
}

}  // namespace
}  // namespace pefd
