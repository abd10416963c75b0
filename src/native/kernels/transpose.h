// Transpose of a WIDTH x WIDTH block of 32-bit words, in registers.
#pragma once

#include <utility>

#include "vector.h"

namespace pefd {
namespace {

// Butterfly step: the source column, of the first row (below WIDTH) or the second, when blocks of size APART are
// exchanged between two rows APART from each other.
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

// Word i of row j becomes word j of row i.
inline void transpose(Words (&rows)[WIDTH]) {
  const auto columns = std::make_integer_sequence<int, WIDTH>{};
  if (WIDTH > 8) exchange<WIDTH / 2>(rows, columns);
  exchange<4>(rows, columns);
  exchange<2>(rows, columns);
  exchange<1>(rows, columns);
}

}  // namespace
}  // namespace pefd
