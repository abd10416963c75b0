// Squares of words turned round, in registers.
#pragma once

#include <utility>

#include "bfloat16.h"

namespace pefd {
namespace {

// Of two rows that lie `APART` from each other, a column of the first (below WIDTH) or of the second: what the upper or
// the lower of them has when blocks of that size have changed places.
template <int APART>
constexpr uint32_t exchanged(uint32_t column, bool isLower) {
  const bool isSecond = column & APART;
  if (isSecond) return column + WIDTH - (isLower ? 0 : APART);
  return column + (isLower ? APART : 0);
}

template <int APART, int... COLUMN>
inline void exchange(Words (&rows)[WIDTH], std::integer_sequence<int, COLUMN...>) {
  const Words upper = {exchanged<APART>(COLUMN, false)...}, lower = {exchanged<APART>(COLUMN, true)...};
#pragma GCC unroll 16
  for (long i = 0; i < WIDTH; i++) {
    if (i & APART) continue;
    const Words first = rows[i], second = rows[i + APART];
    rows[i] = __builtin_shuffle(first, second, upper);
    rows[i + APART] = __builtin_shuffle(first, second, lower);
  }
}

// A square of words turned round: word i of row j becomes word j of row i.
inline void turn(Words (&rows)[WIDTH]) {
  const auto columns = std::make_integer_sequence<int, WIDTH>{};
  if (WIDTH > 8) exchange<WIDTH / 2>(rows, columns);
  exchange<4>(rows, columns);
  exchange<2>(rows, columns);
  exchange<1>(rows, columns);
}

}  // namespace
}  // namespace pefd
