// Images for the forward pass: [copies][pixels][channels] in bfloat16, channels in multiples of DEPTH.
#pragma once

#include "sight.h"

namespace pefd {
namespace {

constexpr long deepened(long channels) { return ceilDivide(channels, DEPTH) * DEPTH; }

// One pixel's channels in bfloat16, zeros behind them; of no pixel only zeros.
template <typename Number>
void convertPixel(const Number *from, long channels, Bfloat16 *to) {
  for (long c = 0; c < channels; c += DEPTH) store(to + c, from ? inARow(from + c, c + WIDTH < channels) : Words{});
}

// Copies of the rows from `firstRow` on, one behind the other.
template <typename Number>
void copyImage(const Source<Number> &source, const Copies &copies, long firstRow, Bfloat16 *to) {
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
