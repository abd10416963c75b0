// Images for the forward pass: [copies][pixels][channels] in bfloat16, channels in multiples of DEPTH.
#pragma once

#include "sight.h"

namespace pefd {
namespace {

constexpr long deepened(long channels) { return ceilDivide(channels, DEPTH) * DEPTH; }

// One pixel's channels in bfloat16, zeros behind them; of no pixel only zeros.
inline void convertPixel(const float *from, long channels, Bfloat16 *to) {
  for (long c = 0; c < channels; c += DEPTH) {
    const bool hasTwo = c + WIDTH < channels;
    store(to + c, inARow(channelsOf(from, c), hasTwo ? channelsOf(from, c + WIDTH) : Vector{}));
  }
}

// Copies of the rows from `firstRow` on, one behind the other.
inline void copyImage(const Source &source, const Copies &copies, long firstRow, Bfloat16 *to) {
  const long deep = deepened(source.channels);
  for (long i = 0; i < copies.rows.count; i++) {
    for (long j = 0; j < copies.columns.count; j++) {
      Bfloat16 *pixel = to + (i * copies.columns.count + j) * copies.pixels() * deep;
      for (long r = 0; r < copies.resultRows + copies.rows.further(); r++) {
        const long row = copies.rows.first[i] + copies.rows.step * (firstRow + r);
        for (long c = 0; c < copies.rowPixels; c++, pixel += deep) {
          const long column = copies.columns.first[j] + copies.columns.step * c;
          convertPixel(source.at(row, column), source.channels, pixel);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pefd
