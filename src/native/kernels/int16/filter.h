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

  // A vector of one row's columns; turned taps lie in blocks of CHANNELS rows.
  const float *tapsAt(const Columns &columns, long row, long column) const {
    const long block = taps.turned ? row / CHANNELS * TAPS_OF_FILTER * columns.tap + row % CHANNELS * columns.row
                                   : row * columns.row;
    return columns.from + block + column;
  }

  // The rows from FIRST on that are made at once of the transform of such a vector.
  template <int FIRST, typename Take>
  static ALWAYS_INLINE void transform(const float *from, long tap, const Take &take) {
    rowsOnBothAxes<KERNEL, FACTORS, FIRST>(
        Algorithm::filter, [&](int i, int j) { return load(from + (i * KERNEL + j) * tap); }, take);
  }

  void panelOfColumns(long index, long worker) const {
    const long first = index * panel();
    const Columns columns = columnsAt(first, worker);
    for (long column = 0; column < panel(); column += WIDTH) {
      Vector squares[PLANES_OF_FACTORS] = {}, inverses[PLANES_OF_FACTORS];
      for (long row = 0; row < taps.rows; row += CHANNELS) addSquares(columns, row, column, squares);
      for (int p = 0; p < PLANES_OF_FACTORS; p++) {
        const Units found = unitsOf(squares[p]);
        store(units + p * taps.columns + first + column, found.unit);
        inverses[p] = found.inverse;
      }
      for (long pair = 0; pair < taps.rows / 2; pair++) {
        writePair(columns, pair, column, inverses, packed + first * (taps.rows / 2) + pair * panel() + column);
      }
    }
  }

  // Of CHANNELS rows.
  void addSquares(const Columns &columns, long first, long column, Vector (&squares)[PLANES_OF_FACTORS]) const {
    forRowsAtOnce<FACTORS>([&](auto firstRow) INLINED {
      constexpr int FIRST = decltype(firstRow)::value, PLACES = (endOfRowsAtOnce<FACTORS>(FIRST) - FIRST) * FACTORS;
      Vector sums[PLACES];
#pragma GCC unroll 32
      for (int i = 0; i < PLACES; i++) sums[i] = squares[FIRST * FACTORS + i];
      for (long row = first; row < first + CHANNELS; row++) {
        const float *from = tapsAt(columns, row, column);
        transform<FIRST>(from, columns.tap, [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
          for (int j = 0; j < FACTORS; j++) {
            Vector &sum = sums[(i - FIRST) * FACTORS + j];
            sum = multiplyAdd(factors[j], factors[j], sum);
          }
        });
      }
#pragma GCC unroll 32
      for (int i = 0; i < PLACES; i++) squares[FIRST * FACTORS + i] = sums[i];
    });
  }

  // Two rows.
  void writePair(const Columns &columns, long pair, long column, const Vector (&inverses)[PLANES_OF_FACTORS],
                 Pair *to) const {
    const long row = channelOf(pair, taps.rows), apart = plane();
    const float *one = tapsAt(columns, row, column);
    const float *other = tapsAt(columns, row + 1, column);
    forRowsAtOnce<FACTORS>([&](auto firstRow) INLINED {
      constexpr int FIRST = decltype(firstRow)::value, PLACES = (endOfRowsAtOnce<FACTORS>(FIRST) - FIRST) * FACTORS;
      Pairs ones[PLACES];
      transform<FIRST>(one, columns.tap, [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
        for (int j = 0; j < FACTORS; j++) {
          ones[(i - FIRST) * FACTORS + j] = rounded(factors[j] * inverses[i * FACTORS + j]);
        }
      });
      transform<FIRST>(other, columns.tap, [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
        for (int j = 0; j < FACTORS; j++) {
          const int p = i * FACTORS + j;
          store(to + p * apart, joined(ones[(i - FIRST) * FACTORS + j], rounded(factors[j] * inverses[p])));
        }
      });
    });
  }

  void run(const Host &host) const {
    parallelFor<PairPacking, &PairPacking::panelOfColumns>(host, taps.columns / panel(), *this);
  }
};

}  // namespace
}  // namespace pefd
