// Filters, transformed, as whole numbers, and packed for the products.
#pragma once

#include "../ahead.h"
#include "../tiled/filter.h"
#include "product.h"
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

// Some columns of a filter, whole panels: planes of [columns / panel][rows / 2][panel] pairs, and of each plane's columns the
// units.
struct PackedPairs {
  Pair *pairs;
  float *units;
  long rows, columns;

  // Pairs from one plane to the next.
  static constexpr long plane(long rows, long columns) { return strideOf(ceilDivide(rows * columns, 2)); }

  // Panels from a column on, in one plane.
  Pair *pairsAt(long p, long column) const { return pairs + p * plane(rows, columns) + column * (rows / 2); }
  float *unitsAt(long p, long column) const { return units + p * columns + column; }
  Operand operand(long p, long column, long panel) const {
    return {pairsAt(p, column), {1, panel}, unitsAt(p, column)};
  }
};

// Packs panels.
template <typename Algorithm>
struct PairPacking {
  static constexpr int KERNEL = Algorithm::KERNEL, FACTORS = Algorithm::FACTORS;
  static constexpr int PLANES_OF_FACTORS = FACTORS * FACTORS, TAPS_OF_FILTER = KERNEL * KERNEL;
  const Taps taps;

  static long pairs(long rows, long columns) { return PLANES_OF_FACTORS * PackedPairs::plane(rows, columns); }
  static long turnedFloats(const Taps &taps) { return taps.turned ? TAPS_OF_FILTER * taps.rows * PANEL : 0; }

  long panel() const { return panelOf(taps.columns); }

  // Taps of some columns: tap by tap, so many floats apart, rows of so many.
  struct Columns {
    const float *from;
    long tap, row;
  };

  Columns columnsAt(long column, float *to) const {
    if (!taps.turned) return {taps.filter + column, taps.rows * taps.columns, taps.columns};
    const long block = CHANNELS * panel();
    for (long row = 0; row < taps.rows; row += CHANNELS) {
      turn<TAPS_OF_FILTER>(taps, row, column, panel(), to + row / CHANNELS * TAPS_OF_FILTER * block);
    }
    return {to, block, panel()};
  }

  // Where the taps of a panel lie.
  Rows rowsOf(long column) const {
    const long row = taps.turned ? taps.rows : taps.columns, tap = taps.rows * taps.columns * long{sizeof(float)};
    if (taps.turned) return {{taps.filter + column * row, panel() * row}, TAPS_OF_FILTER, tap};
    return {{taps.filter + column, panel()}, TAPS_OF_FILTER * taps.rows, row * long{sizeof(float)}};
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

  // The panel from column `first` on, to where the panel from column `place` on of some packed ones lies; `turned` has room
  // for turnedFloats(taps).
  void pack(long first, const PackedPairs &packed, long place, float *turned) const {
    const Columns columns = columnsAt(first, turned);
    for (long column = 0; column < panel(); column += WIDTH) {
      Vector squares[PLANES_OF_FACTORS] = {}, inverses[PLANES_OF_FACTORS];
      for (long row = 0; row < taps.rows; row += CHANNELS) addSquares(columns, row, column, squares);
      for (int p = 0; p < PLANES_OF_FACTORS; p++) {
        const Units found = unitsOf(squares[p]);
        store(packed.unitsAt(p, place + column), found.unit);
        inverses[p] = found.inverse;
      }
      const long apart = PackedPairs::plane(packed.rows, packed.columns);
      for (long pair = 0; pair < taps.rows / 2; pair++) {
        writePair(columns, pair, column, inverses, packed.pairsAt(0, place) + pair * panel() + column, apart);
      }
    }
  }

  // All of them.
  void packAll(const PackedPairs &packed, float *turned) const {
    for (long first = 0; first < taps.columns; first += panel()) pack(first, packed, first, turned);
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
                 Pair *to, long apart) const {
    const long row = channelOf(pair, taps.rows);
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
};

// All panels, made by all threads.
template <typename Algorithm>
struct SharedPacking {
  const PairPacking<Algorithm> packing;
  const PackedPairs packed;
  // Of each worker: a panel of turned taps, where they are.
  const WorkerMemory turned;

  void panel(long index, long worker) const {
    const long first = index * packing.panel();
    packing.pack(first, packed, first, turned.of(worker));
  }

  void run(const Host &host) const {
    parallelFor<SharedPacking, &SharedPacking::panel>(host, packing.taps.columns / packing.panel(), *this);
  }
};

}  // namespace
}  // namespace pefd
