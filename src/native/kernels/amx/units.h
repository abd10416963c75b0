// The processor's units for matrices (AMX): eight tiles of 16 rows of 64 bytes, and products of them. Where the
// compiler does not make code for them, plain loops do the same, for tests.
#pragma once

#include <cstring>

#include "../common.h"
#include "bfloat16.h"

namespace pefd {
namespace {

// Rows of a tile, and float32 numbers in one.
constexpr long SIDE = 16;
// Numbers in bfloat16 in a row: as many as one product sums up.
constexpr long DEPTH = 32;
constexpr long TILE_NUMBERS = SIDE * DEPTH;
constexpr long ROW_BYTES = 64;
// Rows or columns that are computed at once, by two tiles.
constexpr long BLOCK = 2 * SIDE;

#if defined(PEFD_AMX)

// Tiles can be used as long as this lives, in the thread that made it.
class Units {
 public:
  Units() {
    alignas(64) Configuration whole;
    for (int tile = 0; tile < 8; tile++) {
      whole.rowBytes[tile] = ROW_BYTES;
      whole.rows[tile] = SIDE;
    }
    asm volatile("ldtilecfg %0" ::"m"(whole));
  }
  ~Units() { asm volatile("tilerelease" ::); }
  Units(const Units &) = delete;

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

class Units {
 public:
  template <int TILE>
  void zero() {
    std::memset(tiles_[TILE], 0, sizeof tiles_[TILE]);
  }
  template <int TILE>
  void load(const void *from, long rowBytes) {
    for (long r = 0; r < SIDE; r++) {
      std::memcpy(tiles_[TILE][r], static_cast<const char *>(from) + r * rowBytes, ROW_BYTES);
    }
  }
  template <int TILE>
  void store(void *to, long rowBytes) const {
    for (long r = 0; r < SIDE; r++) {
      std::memcpy(static_cast<char *>(to) + r * rowBytes, tiles_[TILE][r], ROW_BYTES);
    }
  }
  template <int SUMS, int A, int B>
  void multiply() {
    for (long r = 0; r < SIDE; r++)
      for (long k = 0; k < DEPTH; k++)
        for (long c = 0; c < SIDE; c++) {
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
  uint32_t half(int tile, long row, long place) const {
    return tiles_[tile][row][place / 2] >> (place % 2 * 16) << 16;
  }

  uint32_t tiles_[8][SIDE][SIDE];
};

#endif

}  // namespace
}  // namespace pefd
