// Vectors of floats of the instruction set that this file is compiled for, with the arithmetic that compilers give
// them; a product added to something is one rounding (FMA) on both.
#pragma once

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

}  // namespace
}  // namespace pefd
