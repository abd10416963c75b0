// bfloat16, the upper half of a float32: what the units for matrices multiply.
#pragma once

#include <cstdint>

#include "../bfloat16.h"
#include "../common.h"
#include "../turn.h"
#include "../vector.h"

namespace pefd {
namespace {

static_assert(WIDTH == 16, "A row of a tile is one vector.");

// Words may hold two numbers each.
typedef uint32_t UnalignedWords __attribute__((vector_size(WIDTH * sizeof(uint32_t)), aligned(2), may_alias));

// Scratch memory for so many of them; a null pointer where there is none.
inline Bfloat16 *bfloat16Scratch(const Host &host, Slot slot, long numbers) {
  return reinterpret_cast<Bfloat16 *>(scratch(host, slot, ceilDivide(numbers, 2)));
}
// The same of each worker.
inline WorkerMemory bfloat16WorkerScratch(const Host &host, Slot slot, long numbers) {
  return workerScratch(host, slot, ceilDivide(numbers, 2));
}
inline Bfloat16 *bfloat16sOf(const WorkerMemory &memory, long worker) {
  return reinterpret_cast<Bfloat16 *>(memory.of(worker));
}

inline void store(Bfloat16 *to, Words words) { *reinterpret_cast<UnalignedWords *>(to) = words; }

// The numbers of two vectors, one after the other. The instruction stands by name, since compilers want to be told of
// its set, and older ones know none of that name.
inline Words inARow(Vector first, Vector second) {
#if defined(PEFD_AMX)
  Words both;
  asm("vcvtne2ps2bf16 %2, %1, %0" : "=v"(both) : "v"(second), "v"(first));
  return both;
#else
  const Words words[2] = {nearestBfloat16(first) >> 16, nearestBfloat16(second) >> 16};
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
  return nearestBfloat16(lower) >> 16 | nearestBfloat16(upper);
#endif
}

// The same of numbers in memory: those of two vectors, one after the other, or of the first alone, with zeros behind them.
inline Words inARow(const float *from, bool areTwo) { return inARow(load(from), areTwo ? load(from + WIDTH) : Vector{}); }
inline Words inARow(const Bfloat16 *from, bool areTwo) {
  Words both = {};
  __builtin_memcpy(&both, from, (areTwo ? 2 : 1) * WIDTH * sizeof(Bfloat16));
  return both;
}
inline Words pairs(const float *lower, const float *upper) { return pairs(load(lower), load(upper)); }
inline Words pairs(const Bfloat16 *lower, const Bfloat16 *upper) {
  const Words low = reinterpret_cast<Words>(load(lower)), high = reinterpret_cast<Words>(load(upper));
  return low >> 16 | high;
}

}  // namespace
}  // namespace pefd
