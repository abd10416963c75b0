// Vectors of whole numbers of 16 bits, two in each word of 32, and their products.
#pragma once

#include <cstdint>

#include "../common.h"
#include "../vector.h"

namespace pefd {
namespace {

static_assert(WIDTH == 16, "A word for each float of a vector.");

// Two numbers of 16 bits.
typedef int Pair;
typedef Pair Pairs __attribute__((vector_size(WIDTH * sizeof(Pair))));
typedef Pair UnalignedPairs __attribute__((vector_size(WIDTH * sizeof(Pair)), aligned(sizeof(Pair)), may_alias));

// Scratch memory for so many of them; a null pointer where there is none.
inline Pair *pairScratch(const Host &host, Slot slot, long pairs) {
  return reinterpret_cast<Pair *>(scratch(host, slot, pairs));
}

inline Pairs load(const Pair *from) { return *reinterpret_cast<const UnalignedPairs *>(from); }
inline void store(Pair *to, Pairs pairs) { *reinterpret_cast<UnalignedPairs *>(to) = pairs; }

// Whole numbers of 32 bits, the nearest ones, and floats.
inline Pairs rounded(Vector value) {
#if defined(PEFD_VECTOR_WIDTH)
  Pairs whole;
  for (long i = 0; i < WIDTH; i++) whole[i] = static_cast<int>(__builtin_rintf(value[i]));
  return whole;
#else
  return reinterpret_cast<Pairs>(_mm512_cvtps_epi32(value));
#endif
}
inline Vector floats(Pairs whole) { return __builtin_convertvector(whole, Vector); }

#if defined(PEFD_VECTOR_WIDTH)
inline Pair pairOf(int first, int second) {
  return static_cast<Pair>((static_cast<uint32_t>(first) & 0xffff) | static_cast<uint32_t>(second) << 16);
}
#endif

// Pairs of what two vectors have at the same place; nothing exceeds 16 bits.
inline Pairs joined(Pairs first, Pairs second) { return (first & 0xffff) | second << 16; }

// Pairs of neighbours: of four elements of the first vector, then of four of the second, and so on.
inline Pairs neighbours(Pairs first, Pairs second) {
#if defined(PEFD_VECTOR_WIDTH)
  Pairs pairs;
  for (long i = 0; i < WIDTH; i++) {
    const Pairs &from = i % 4 < 2 ? first : second;
    const long place = i / 4 * 4 + i % 2 * 2;
    pairs[i] = pairOf(from[place], from[place + 1]);
  }
  return pairs;
#else
  return reinterpret_cast<Pairs>(_mm512_packs_epi32(reinterpret_cast<__m512i>(first), reinterpret_cast<__m512i>(second)));
#endif
}

// Pairs of neighbours of one vector, half as many.
inline void storeNeighbours(Pair *to, Pairs whole) {
#if defined(PEFD_VECTOR_WIDTH)
  for (long i = 0; i < WIDTH / 2; i++) to[i] = pairOf(whole[2 * i], whole[2 * i + 1]);
#else
  _mm256_storeu_si256(reinterpret_cast<__m256i_u *>(to), _mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(whole)));
#endif
}

// sums + the products of both numbers of a pair with those of each of some pairs. The instruction stands by name, since
// compilers want to be told of its set.
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
