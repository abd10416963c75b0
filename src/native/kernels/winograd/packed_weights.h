// Winograd weights: transformed, and packed as panels for GEMM.
#pragma once

#include "../common.h"
#include "../gemm.h"
#include "../kernels.h"
#include "../transpose.h"
#include "tiles.h"
#include "transforms.h"

namespace pefd {
namespace {

// Columns of a panel.
constexpr long panelOf(long columns) { return columns % PANEL == 0 ? PANEL : CHANNELS; }

// Weights [kernel * kernel][rows][columns] as a convolution multiplies with them, stored like that or, for dgrad,
// spatially flipped and channel-transposed.
struct Taps {
  const float *filter;
  long rows, columns;
  bool transposed;
};

// Transposes a block of WIDTH x WIDTH floats.
inline void transposeBlock(const float *from, long apart, float *to, long toApart) {
  Words rows[WIDTH];
  for (long i = 0; i < WIDTH; i++) rows[i] = reinterpret_cast<Words>(load(from + i * apart));
  transpose(rows);
  for (long i = 0; i < WIDTH; i++) store(to + i * toApart, reinterpret_cast<Vector>(rows[i]));
}

// CHANNELS rows of one panel of transposed taps, as [TAPS][CHANNELS][panel].
template <int TAPS>
void transpose(const Taps &taps, long row, long column, long panel, float *to) {
  for (long tap = 0; tap < TAPS; tap++) {
    const float *from = taps.filter + ((TAPS - 1 - tap) * taps.columns + column) * taps.rows + row;
    for (long c = 0; c < panel; c++) __builtin_prefetch(from + c * taps.rows + CHANNELS, 0, 2);
    for (long c = 0; c < panel; c += WIDTH) {
      for (long r = 0; r < CHANNELS; r += WIDTH) {
        transposeBlock(from + c * taps.rows + r, taps.rows, to + (tap * CHANNELS + r) * panel + c, panel);
      }
    }
  }
}

// Transforms CHANNELS rows of one panel; `to` is its first row in its first plane.
template <typename Algorithm>
void packRows(const Taps &taps, long row, long column, float *to, long plane) {
  constexpr int KERNEL = Algorithm::KERNEL, FACTORS = Algorithm::FACTORS;
  const long panel = panelOf(taps.columns);
  float transposed[KERNEL * KERNEL * CHANNELS * PANEL];
  if (taps.transposed) transpose<KERNEL * KERNEL>(taps, row, column, panel, transposed);
  const float *from = taps.transposed ? transposed : taps.filter + row * taps.columns + column;
  const long rowSize = taps.transposed ? panel : taps.columns;
  const long tapSize = taps.transposed ? CHANNELS * panel : taps.rows * taps.columns;
  for (long r = 0; r < CHANNELS; r++) {
    for (long c = 0; c < panel; c += WIDTH) {
      onBothAxes<KERNEL, FACTORS>(
          Algorithm::filter, [&](int i, int j) { return load(from + (i * KERNEL + j) * tapSize + r * rowSize + c); },
          [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
            for (int j = 0; j < FACTORS; j++) store(to + (i * FACTORS + j) * plane + (row + r) * panel + c, factors[j]);
          });
    }
  }
}

// All panels, as [FACTORS * FACTORS] planes of [columns / panel][rows][panel].
template <typename Algorithm>
struct Packing {
  const Taps taps;
  float *const packed;

  long panel() const { return panelOf(taps.columns); }
  long panels() const { return taps.columns / panel(); }

  void rows(long index, long /*worker*/) const {
    const long row = index / panels() * CHANNELS, column = index % panels() * panel();
    packRows<Algorithm>(taps, row, column, packed + column * taps.rows, strideOf(taps.rows * taps.columns));
  }

  void run(const Host &host) const {
    parallelFor<Packing, &Packing::rows>(host, taps.rows / CHANNELS * panels(), *this);
  }
};

}  // namespace
}  // namespace pefd
