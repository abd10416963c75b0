// Vectors of floats from and to numbers in bfloat16.
#pragma once

#include <cstdint>

#include "kernels.h"
#include "vector.h"

namespace pefd {
namespace {

// A vector's elements as words of 32 bits.
typedef uint32_t Words __attribute__((vector_size(WIDTH * sizeof(uint32_t))));

// Each element rounded to the nearest, to an even one where two are as near, in the upper half of its word. As the
// processor rounds: what has no leading digit becomes zero, and a NaN stays one.
inline Words nearestBfloat16(Vector value) {
  const Words bits = reinterpret_cast<Words>(value);
  const Words nearest = bits + 0x7fff + ((bits >> 16) & 1);
  const Words size = bits & 0x7fffffff;
  const Words ofNormals = size < 0x00800000 ? bits & 0x80000000 : nearest;
  return (size > 0x7f800000 ? bits | 0x00400000 : ofNormals) & 0xffff0000;
}

inline Vector load(const Bfloat16 *from) {
#if defined(__AVX512F__) && !defined(PEFD_VECTOR_WIDTH)
  const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i_u *>(from));
  return reinterpret_cast<Vector>(_mm512_slli_epi32(_mm512_cvtepu16_epi32(numbers), 16));
#else
  Words words;
  for (long i = 0; i < WIDTH; i++) words[i] = uint32_t{from[i]} << 16;
  return reinterpret_cast<Vector>(words);
#endif
}

// The instruction stands by name, since compilers want to be told of its set.
inline void store(Bfloat16 *to, Vector value) {
#if defined(PEFD_BFLOAT16)
  __m256i numbers;
  asm("vcvtneps2bf16 %1, %0" : "=v"(numbers) : "v"(value));
  _mm256_storeu_si256(reinterpret_cast<__m256i_u *>(to), numbers);
#else
  const Words words = nearestBfloat16(value);
  for (long i = 0; i < WIDTH; i++) to[i] = static_cast<Bfloat16>(words[i] >> 16);
#endif
}

}  // namespace
}  // namespace pefd
