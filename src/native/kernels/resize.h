// Image resize on bytes in int32 fixed-point arithmetic, so that every instruction set gives the same bytes.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// One half, for rounding.
constexpr int HALF = 1 << (WEIGHT_BITS - 1);

// One pixel of two rows as [r, g, b, -, r, g, b, -]; reads a byte past each.
inline __m256i pixelOfTwo(const unsigned char *first, const unsigned char *second) {
  int low, high;
  std::memcpy(&low, first, sizeof low);
  std::memcpy(&high, second, sizeof high);
  return _mm256_cvtepu8_epi32(_mm_insert_epi32(_mm_cvtsi32_si128(low), high, 1));
}

inline __m256i eightBytes(const unsigned char *from) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
}

inline __m256i addWeighted(__m256i sum, __m256i bytes, int weight) {
  return _mm256_add_epi32(sum, _mm256_mullo_epi32(bytes, _mm256_set1_epi32(weight)));
}

// Eight sums rounded to bytes.
inline __m128i levels(__m256i sums) {
  const __m256i shifted = _mm256_srai_epi32(sums, WEIGHT_BITS);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(shifted), _mm256_extracti128_si256(shifted, 1));
  return _mm_packus_epi16(words, words);
}

// Two rows resized horizontally. A byte past every pixel is written, hence left to right.
inline void resizeTwoRows(const Axis &axis, bool isMirrored, const unsigned char *first, const unsigned char *second,
                          unsigned char *toFirst, unsigned char *toSecond) {
  for (long x = 0; x < axis.count; x++) {
    const long i = isMirrored ? axis.count - 1 - x : x;
    const int *weights = axis.weights + i * axis.most;
    const long from = 3 * axis.first[i];
    __m256i sum = _mm256_set1_epi32(HALF);
    for (long tap = 0; tap < axis.taps[i]; tap++) {
      const long at = from + 3 * tap;
      sum = addWeighted(sum, pixelOfTwo(first + at, second + at), weights[tap]);
    }
    const __m128i both = levels(sum);
    const int low = _mm_cvtsi128_si32(both), high = _mm_extract_epi32(both, 1);
    std::memcpy(toFirst + 3 * x, &low, sizeof low);
    std::memcpy(toSecond + 3 * x, &high, sizeof high);
  }
}

// `rows` rows from `first` on, resized horizontally into `between`.
inline void resizeAcross(const Resize &work, long first, long rows) {
  const long bytes = 3 * work.width, line = paddedRow(work.width), row = paddedRow(work.across.count);
  for (long r = 0; r < rows; r += 2) {
    // Copies, which may be read past their end; a single last row is copied twice.
    for (long i = 0; i < 2; i++) {
      std::memcpy(work.lines + i * line, work.image + (first + min(r + i, rows - 1)) * bytes, bytes);
    }
    resizeTwoRows(work.across, work.isMirrored, work.lines, work.lines + line, work.between + r * row,
                  work.between + (r + 1) * row);
  }
}

// PADDED bytes of an output row, from rows `pitch` apart.
inline void resizeBlock(const unsigned char *from, long pitch, const int *weights, long taps, unsigned char *to) {
  constexpr long VECTORS = PADDED / 8;
  __m256i sums[VECTORS];
  for (__m256i &sum : sums) sum = _mm256_set1_epi32(HALF);
  for (long tap = 0; tap < taps; tap++) {
    for (long v = 0; v < VECTORS; v++) {
      sums[v] = addWeighted(sums[v], eightBytes(from + tap * pitch + 8 * v), weights[tap]);
    }
  }
  for (long v = 0; v < VECTORS; v++) _mm_storel_epi64(reinterpret_cast<__m128i *>(to + 8 * v), levels(sums[v]));
}

void resize(const Resize &work) {
  const Axis &down = work.down;
  const long last = down.count - 1, first = down.first[0];
  resizeAcross(work, first, down.first[last] + down.taps[last] - first);
  const long bytes = 3 * work.across.count, pitch = paddedRow(work.across.count);
  for (long y = 0; y < down.count; y++) {
    const unsigned char *from = work.between + (down.first[y] - first) * pitch;
    for (long b = 0; b < bytes; b += PADDED) {
      unsigned char block[PADDED];
      resizeBlock(from + b, pitch, down.weights + y * down.most, down.taps[y], block);
      std::memcpy(work.result + y * bytes + b, block, min(PADDED, bytes - b));
    }
  }
}

}  // namespace
}  // namespace pefd
