// VNNI: pairs of int16 in 32-bit words, conversion to them, and their dot products.
#pragma once

#include <cstdint>

#include "../common.h"
#include "../vector.h"

namespace pefd {
namespace {

static_assert(WIDTH == 16, "One pair per float of a vector.");

// Two int16.
typedef int Pair;
typedef Pair Pairs __attribute__((vector_size(WIDTH * sizeof(Pair))));
typedef Pair UnalignedPairs __attribute__((vector_size(WIDTH * sizeof(Pair)), aligned(sizeof(Pair)), may_alias));

// Scratch memory for pairs; null if there is none.
inline Pair *pairScratch(const Host &host, Slot slot, long pairs) {
  return reinterpret_cast<Pair *>(scratch(host, slot, pairs));
}

inline Pairs load(const Pair *from) { return *reinterpret_cast<const UnalignedPairs *>(from); }
inline void store(Pair *to, Pairs pairs) { *reinterpret_cast<UnalignedPairs *>(to) = pairs; }

// Round to nearest int32, and back.
inline Pairs roundToInt32(Vector value) {
#if defined(PEFD_VECTOR_WIDTH)
  Pairs whole;
  for (long i = 0; i < WIDTH; i++) whole[i] = static_cast<int>(__builtin_rintf(value[i]));
  return whole;
#else
  return reinterpret_cast<Pairs>(_mm512_cvtps_epi32(value));
#endif
}
inline Vector toFloat(Pairs whole) { return __builtin_convertvector(whole, Vector); }

#if defined(PEFD_VECTOR_WIDTH)
inline Pair pairOf(int first, int second) {
  return static_cast<Pair>((static_cast<uint32_t>(first) & 0xffff) | static_cast<uint32_t>(second) << 16);
}
#endif

// Pairs of the elements at the same index; they must fit int16.
inline Pairs packPairs(Pairs first, Pairs second) { return (first & 0xffff) | second << 16; }

// Pairs of adjacent elements: four elements of the first vector, then four of the second, and so on (vpackssdw).
inline Pairs packNeighbours(Pairs first, Pairs second) {
#if defined(PEFD_VECTOR_WIDTH)
  Pairs pairs;
  for (long i = 0; i < WIDTH; i++) {
    const Pairs &from = i % 4 < 2 ? first : second;
    const long place = i / 4 * 4 + i % 2 * 2;
    pairs[i] = pairOf(from[place], from[place + 1]);
  }
  return pairs;
#else
  return reinterpret_cast<Pairs>(
      _mm512_packs_epi32(reinterpret_cast<__m512i>(first), reinterpret_cast<__m512i>(second)));
#endif
}

// Pairs of adjacent elements of one vector.
inline void storePackedNeighbours(Pair *to, Pairs whole) {
#if defined(PEFD_VECTOR_WIDTH)
  for (long i = 0; i < WIDTH / 2; i++) to[i] = pairOf(whole[2 * i], whole[2 * i + 1]);
#else
  _mm256_storeu_si256(reinterpret_cast<__m256i_u *>(to), _mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(whole)));
#endif
}

// sums + dot products of a broadcast pair with each pair. Inline assembly, since the intrinsic needs a flag of its own.
inline Pairs multiplyAdd(Pair factors, Pairs pairs, Pairs sums) {
#if defined(PEFD_VNNI)
  const Pairs all = Pairs{} + factors;
  asm("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(all), "v"(pairs));
  return sums;
#else
  const Pairs low = (pairs << 16) >> 16, high = pairs >> 16;
  return sums + static_cast<short>(factors) * low + (factors >> 16) * high;
#endif
}

}  // namespace
}  // namespace pefd
