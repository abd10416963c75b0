// SIMD vectors of float32: width, FMAs, bfloat16 conversion, and masked loads and stores for channel tails.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels.h"

namespace pefd {
namespace {

// Floats per vector. Compilers split wider vectors than the CPU has: so test/native runs the AVX-512 code on any CPU.
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

// factor * x + sum as an explicit FMA: GCC does not always contract by itself.
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

// A vector's bits, as 32-bit words.
typedef uint32_t Words __attribute__((vector_size(WIDTH * sizeof(uint32_t))));

// Round to nearest even, in the upper half of each word. Like the CPU's instruction: denormals become zero, NaNs stay.
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

// Inline assembly, since the intrinsic needs a flag of its own.
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

// Masked vectors: only the first `count` elements are in memory, the rest read as zero and are not written.
class Lanes {
 public:
  explicit Lanes(long count) : count_(count) {}

  template <typename Number>
  Vector load(const Number *from) const {
    return count_ == WIDTH ? pefd::load(from) : loadPart(from);
  }
  template <typename Number>
  void store(Number *to, Vector value) const {
    count_ == WIDTH ? pefd::store(to, value) : storePart(to, value);
  }

 private:
#if defined(PEFD_VECTOR_WIDTH)
  Vector loadPart(const float *from) const {
    Vector value = {};
    for (long i = 0; i < count_; i++) value[i] = from[i];
    return value;
  }
  void storePart(float *to, Vector value) const {
    for (long i = 0; i < count_; i++) to[i] = value[i];
  }
#elif defined(__AVX512F__)
  __mmask16 mask() const { return static_cast<__mmask16>((1u << count_) - 1); }
  Vector loadPart(const float *from) const { return _mm512_maskz_loadu_ps(mask(), from); }
  void storePart(float *to, Vector value) const { _mm512_mask_storeu_ps(to, mask(), value); }
#else
  __m256i mask() const {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count_)), places);
  }
  Vector loadPart(const float *from) const { return _mm256_maskload_ps(from, mask()); }
  void storePart(float *to, Vector value) const { _mm256_maskstore_ps(to, mask(), value); }
#endif
  Vector loadPart(const Bfloat16 *from) const {
    Bfloat16 numbers[WIDTH] = {};
    for (long i = 0; i < count_; i++) numbers[i] = from[i];
    return pefd::load(numbers);
  }
  void storePart(Bfloat16 *to, Vector value) const {
    Bfloat16 numbers[WIDTH];
    pefd::store(numbers, value);
    for (long i = 0; i < count_; i++) to[i] = numbers[i];
  }

  const long count_;
};

}  // namespace
}  // namespace pefd
