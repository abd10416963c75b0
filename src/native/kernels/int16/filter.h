// Filters, transformed, as whole numbers, and packed for the products.
#pragma once

#include "../tiled/filter.h"
#include "units.h"

namespace pefd {
namespace {

// The first of the two channels that a pair holds where a pixel's channels were written by `neighbours`, two vectors at a
// time, and a last vector without another by `storeNeighbours`.
inline long channelOf(long pair, long channels) {
  const long both = 2 * WIDTH, start = pair / WIDTH * both, place = pair % WIDTH;
  if (start + both > channels) return start + 2 * place;
  return start + place / 4 * 4 + place % 2 * 2 + place % 4 / 2 * WIDTH;
}

// All panels, as [FACTORS * FACTORS] planes of [columns / panel][rows / 2][panel] pairs, and the units of each plane's
// columns.
template <typename Algorithm>
struct PairPacking {
  static constexpr int KERNEL = Algorithm::KERNEL, FACTORS = Algorithm::FACTORS;
  static constexpr int PLANES_OF_FACTORS = FACTORS * FACTORS, TAPS_OF_FILTER = KERNEL * KERNEL;
  const Taps taps;
  Pair *const packed;
  float *const units;
  // Of each worker: a panel of turned taps, where they are.
  const WorkerMemory turned;

  static long turnedFloats(const Taps &taps) { return taps.turned ? TAPS_OF_FILTER * taps.rows * PANEL : 0; }

  long panel() const { return panelOf(taps.columns); }
  long plane() const { return pairPlane(taps); }
  // Pairs from one plane to the next.
  static long pairPlane(const Taps &taps) { return strideOf(ceilDivide(taps.rows * taps.columns, 2)); }

  // Taps of some columns: tap by tap, so many floats apart, rows of so many.
  struct Columns {
    const float *from;
    long tap, row;
  };

  Columns columnsAt(long column, long worker) const {
    if (!taps.turned) return {taps.filter + column, taps.rows * taps.columns, taps.columns};
    const long block = CHANNELS * panel();
    float *to = turned.of(worker);
    for (long row = 0; row < taps.rows; row += CHANNELS) {
      turn<TAPS_OF_FILTER>(taps, row, column, panel(), to + row / CHANNELS * TAPS_OF_FILTER * block);
    }
    return {to, block, panel()};
  }

  // The transform of one row's vector of columns.
  void transform(const Columns &columns, long row, long column, Vector (&out)[FACTORS][FACTORS]) const {
    // Turned taps lie in blocks of CHANNELS rows.
    const long block = taps.turned ? row / CHANNELS * TAPS_OF_FILTER * columns.tap + row % CHANNELS * columns.row
                                   : row * columns.row;
    Vector in[KERNEL][KERNEL];
#pragma GCC unroll 16
    for (int i = 0; i < KERNEL; i++)
#pragma GCC unroll 16
      for (int j = 0; j < KERNEL; j++) in[i][j] = load(columns.from + (i * KERNEL + j) * columns.tap + block + column);
    onBothAxes<KERNEL, FACTORS>(Algorithm::filter, in, out);
  }

  void panelOfColumns(long index, long worker) const {
    const long first = index * panel();
    const Columns columns = columnsAt(first, worker);
    for (long column = 0; column < panel(); column += WIDTH) {
      Vector squares[FACTORS][FACTORS] = {}, inverses[FACTORS][FACTORS];
      for (long row = 0; row < taps.rows; row++) {
        Vector out[FACTORS][FACTORS];
        transform(columns, row, column, out);
#pragma GCC unroll 16
        for (int i = 0; i < FACTORS; i++)
#pragma GCC unroll 16
          for (int j = 0; j < FACTORS; j++) squares[i][j] = multiplyAdd(out[i][j], out[i][j], squares[i][j]);
      }
      for (int p = 0; p < PLANES_OF_FACTORS; p++) {
        const Units found = unitsOf(squares[p / FACTORS][p % FACTORS]);
        store(units + p * taps.columns + first + column, found.unit);
        inverses[p / FACTORS][p % FACTORS] = found.inverse;
      }
      for (long pair = 0; pair < taps.rows / 2; pair++) {
        const long row = channelOf(pair, taps.rows);
        Vector one[FACTORS][FACTORS], other[FACTORS][FACTORS];
        transform(columns, row, column, one);
        transform(columns, row + 1, column, other);
        Pair *to = packed + first * (taps.rows / 2) + pair * panel() + column;
#pragma GCC unroll 16
        for (int i = 0; i < FACTORS; i++)
#pragma GCC unroll 16
          for (int j = 0; j < FACTORS; j++) {
            store(to + (i * FACTORS + j) * plane(),
                  joined(rounded(one[i][j] * inverses[i][j]), rounded(other[i][j] * inverses[i][j])));
          }
      }
    }
  }

  void run(const Host &host) const {
    parallelFor<PairPacking, &PairPacking::panelOfColumns>(host, taps.columns / panel(), *this);
  }
};

}  // namespace
}  // namespace pefd
