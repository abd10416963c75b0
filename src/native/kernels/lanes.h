// Vectors at the end of channels that do not fill them.
#pragma once

#include "bfloat16.h"
#include "vector.h"

namespace pefd {
namespace {

// Vectors of which only the first `count` elements lie in memory, as at the end of channels that are no multiple of
// WIDTH: the others are read as zeros and never written.
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
