// AMX tiles: loads, stores and TDPBF16PS, and conversion to the bfloat16 pairs that it takes. Without PEFD_AMX plain
// loops, for tests.
#pragma once

#include <cstdint>
#include <cstring>

#include "../common.h"
#include "../transpose.h"
#include "../vector.h"

namespace pefd {
namespace {

static_assert(WIDTH == 16, "A row of a tile is one vector.");

// Words of two bfloat16 numbers.
typedef uint32_t UnalignedWords __attribute__((vector_size(WIDTH * sizeof(uint32_t)), aligned(2), may_alias));

// Scratch memory for bfloat16 numbers; null if there is none.
inline Bfloat16 *bfloat16Scratch(const Host &host, Slot slot, long numbers) {
  return reinterpret_cast<Bfloat16 *>(scratch(host, slot, ceilDivide(numbers, 2)));
}
inline WorkerMemory bfloat16WorkerScratch(const Host &host, Slot slot, long numbers) {
  return workerScratch(host, slot, ceilDivide(numbers, 2));
}
inline Bfloat16 *bfloat16sOf(const WorkerMemory &memory, long worker) {
  return reinterpret_cast<Bfloat16 *>(memory.of(worker));
}

inline void store(Bfloat16 *to, Words words) { *reinterpret_cast<UnalignedWords *>(to) = words; }

// Two vectors as consecutive bfloat16 numbers. Inline assembly, since old compilers lack the intrinsic.
inline Words concatenated(Vector first, Vector second) {
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

// Interleaves two vectors as bfloat16 pairs.
inline Words interleaved(Vector lower, Vector upper) {
#if defined(PEFD_AMX)
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both = reinterpret_cast<__m512i>(concatenated(lower, upper));
  return reinterpret_cast<Words>(_mm512_permutexvar_epi16(order, both));
#else
  return nearestBfloat16(lower) >> 16 | nearestBfloat16(upper);
#endif
}

// The same from memory: two vectors, or one followed by zeros.
inline Words concatenated(const float *from, bool areTwo) {
  return concatenated(load(from), areTwo ? load(from + WIDTH) : Vector{});
}
inline Words concatenated(const Bfloat16 *from, bool areTwo) {
  Words both = {};
  __builtin_memcpy(&both, from, (areTwo ? 2 : 1) * WIDTH * sizeof(Bfloat16));
  return both;
}
inline Words interleaved(const float *lower, const float *upper) { return interleaved(load(lower), load(upper)); }
inline Words interleaved(const Bfloat16 *lower, const Bfloat16 *upper) {
  const Words low = reinterpret_cast<Words>(load(lower)), high = reinterpret_cast<Words>(load(upper));
  return low >> 16 | high;
}

// Rows of a tile, and float32 numbers of a row.
constexpr long TILE_SIDE = 16;
// bfloat16 numbers of a row: the depth of one tile product.
constexpr long TILE_DEPTH = 32;
constexpr long TILE_NUMBERS = TILE_SIDE * TILE_DEPTH;
constexpr long ROW_BYTES = 64;
// Rows or columns of two tiles.
constexpr long BLOCK = 2 * TILE_SIDE;

#if defined(PEFD_AMX)

// Configures the tiles of this thread for as long as it lives.
class AmxTiles {
 public:
  AmxTiles() {
    alignas(64) Configuration whole;
    for (int tile = 0; tile < 8; tile++) {
      whole.rowBytes[tile] = ROW_BYTES;
      whole.rows[tile] = TILE_SIDE;
    }
    asm volatile("ldtilecfg %0" ::"m"(whole));
  }
  ~AmxTiles() { asm volatile("tilerelease" ::); }
  AmxTiles(const AmxTiles &) = delete;

  template <int TILE>
  static inline void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(TILE));
  }
  template <int TILE>
  static inline void load(const void *from, long rowBytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(rowBytes), "i"(TILE) : "memory");
  }
  template <int TILE>
  static inline void store(void *to, long rowBytes) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(rowBytes), "i"(TILE) : "memory");
  }
  // sums[r, c] += the sum over k of a[r, k] * b[k, c]; a row of b holds pairs of k.
  template <int SUMS, int A, int B>
  static inline void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(SUMS), "i"(A), "i"(B));
  }

 private:
  struct Configuration {
    uint8_t palette = 1, first = 0, reserved[14] = {};
    uint16_t rowBytes[16] = {};
    uint8_t rows[16] = {};
  };
};

#else

class AmxTiles {
 public:
  template <int TILE>
  void zero() {
    std::memset(tiles_[TILE], 0, sizeof tiles_[TILE]);
  }
  template <int TILE>
  void load(const void *from, long rowBytes) {
    for (long r = 0; r < TILE_SIDE; r++) {
      std::memcpy(tiles_[TILE][r], static_cast<const char *>(from) + r * rowBytes, ROW_BYTES);
    }
  }
  template <int TILE>
  void store(void *to, long rowBytes) const {
    for (long r = 0; r < TILE_SIDE; r++) {
      std::memcpy(static_cast<char *>(to) + r * rowBytes, tiles_[TILE][r], ROW_BYTES);
    }
  }
  template <int SUMS, int A, int B>
  void multiply() {
    for (long r = 0; r < TILE_SIDE; r++)
      for (long k = 0; k < TILE_DEPTH; k++)
        for (long c = 0; c < TILE_SIDE; c++) {
          const float sum = number(tiles_[SUMS][r][c]);
          const float product = number(half(A, r, k)) * number(half(B, k / 2, 2 * c + k % 2));
          tiles_[SUMS][r][c] = bitsOf(sum + product);
        }
  }

 private:
  static float number(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  static uint32_t bitsOf(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  uint32_t half(int tile, long row, long place) const { return tiles_[tile][row][place / 2] >> (place % 2 * 16) << 16; }

  uint32_t tiles_[8][TILE_SIDE][TILE_SIDE];
};

#endif

}  // namespace
}  // namespace pefd
