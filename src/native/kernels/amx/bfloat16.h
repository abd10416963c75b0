// bfloat16, the upper half of a float32: what the units for matrices multiply.
#pragma once

#include <cstdint>
#include <utility>

#include "../common.h"
#include "../vector.h"

namespace pefd {
namespace {

static_assert(WIDTH == 16, "A row of a tile is one vector.");

typedef uint16_t Bfloat16;

// A vector's elements as words of 32 bits, each of which may hold two numbers in bfloat16.
typedef uint32_t Words __attribute__((vector_size(WIDTH * sizeof(uint32_t))));
typedef uint32_t UnalignedWords __attribute__((vector_size(WIDTH * sizeof(uint32_t)), aligned(2), may_alias));

// Scratch memory for so many of them; a null pointer where there is none.
inline Bfloat16 *bfloat16Scratch(const Host &host, Slot slot, long numbers) {
  return reinterpret_cast<Bfloat16 *>(host.scratch(host.self, slot, ceilDivide(numbers, 2)));
}

inline void store(Bfloat16 *to, Words words) { *reinterpret_cast<UnalignedWords *>(to) = words; }

// Each element rounded to the nearest, to an even one where two are as near, in the upper half of its word. As the
// processor rounds: what has no leading digit becomes zero, and a NaN stays one.
inline Words rounded(Vector value) {
  const Words bits = reinterpret_cast<Words>(value);
  const Words nearest = bits + 0x7fff + ((bits >> 16) & 1);
  const Words size = bits & 0x7fffffff;
  const Words ofNormals = size < 0x00800000 ? bits & 0x80000000 : nearest;
  return (size > 0x7f800000 ? bits | 0x00400000 : ofNormals) & 0xffff0000;
}

// The numbers of two vectors, one after the other. The instruction stands by name, since compilers want to be told of
// its set, and older ones know none of that name.
inline Words inARow(Vector first, Vector second) {
#if defined(PEFD_AMX)
  Words both;
  asm("vcvtne2ps2bf16 %2, %1, %0" : "=v"(both) : "v"(second), "v"(first));
  return both;
#else
  const Words words[2] = {rounded(first) >> 16, rounded(second) >> 16};
  Words both;
  for (long i = 0; i < WIDTH; i++) {
    const Words &from = words[2 * i / WIDTH];
    both[i] = from[2 * i % WIDTH] | from[2 * i % WIDTH + 1] << 16;
  }
  return both;
#endif
}

// Pairs of numbers: those of one vector in the lower halves, those of the other in the upper.
inline Words pairs(Vector lower, Vector upper) {
#if defined(PEFD_AMX)
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both = reinterpret_cast<__m512i>(inARow(lower, upper));
  return reinterpret_cast<Words>(_mm512_permutexvar_epi16(order, both));
#else
  return rounded(lower) >> 16 | rounded(upper);
#endif
}

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
  exchange<8>(rows, columns);
  exchange<4>(rows, columns);
  exchange<2>(rows, columns);
  exchange<1>(rows, columns);
}

}  // namespace
}  // namespace pefd
