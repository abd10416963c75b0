// Vectors of floats of the instruction set that this file is compiled for, with the arithmetic that compilers give them.
#pragma once

#include <immintrin.h>

namespace pefd {
namespace {

// Floats of a vector. Compilers split vectors that are wider than the processor's: so test/native runs what AVX-512
// runs where there is none.
#if defined(PEFD_VECTOR_WIDTH)
constexpr long WIDTH = PEFD_VECTOR_WIDTH;
#elif defined(__AVX512F__)
constexpr long WIDTH = 16;
#else
constexpr long WIDTH = 8;
#endif

typedef float Vector __attribute__((vector_size(WIDTH * sizeof(float))));
typedef float Unaligned __attribute__((vector_size(WIDTH * sizeof(float)), aligned(sizeof(float)), may_alias));

inline Vector load(const float *from) { return *reinterpret_cast<const Unaligned *>(from); }
inline void store(float *to, Vector value) { *reinterpret_cast<Unaligned *>(to) = value; }

// factor * x + sum in one rounding. By name, since compilers that may fuse do not everywhere: GCC leaves a lone chain of
// sums in two roundings each.
inline Vector multiplyAdd(float factor, Vector x, Vector sum) {
#if defined(PEFD_VECTOR_WIDTH)
  for (long i = 0; i < WIDTH; i++) sum[i] = __builtin_fmaf(factor, x[i], sum[i]);
  return sum;
#elif defined(__AVX512F__)
  return _mm512_fmadd_ps(_mm512_set1_ps(factor), x, sum);
#else
  return _mm256_fmadd_ps(_mm256_set1_ps(factor), x, sum);
#endif
}

// The same of one factor per element.
inline Vector multiplyAdd(Vector factors, Vector x, Vector sum) {
#if defined(PEFD_VECTOR_WIDTH)
  for (long i = 0; i < WIDTH; i++) sum[i] = __builtin_fmaf(factors[i], x[i], sum[i]);
  return sum;
#elif defined(__AVX512F__)
  return _mm512_fmadd_ps(factors, x, sum);
#else
  return _mm256_fmadd_ps(factors, x, sum);
#endif
}

}  // namespace
}  // namespace pefd
