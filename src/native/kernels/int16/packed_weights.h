// int16 weights: transformed, quantized with per-column scales, and packed as VNNI pairs.
#pragma once

#include "../prefetch.h"
#include "../winograd/packed_weights.h"
#include "gemm.h"
#include "quantize.h"

namespace pefd {
namespace {

// The first channel of a pair, in the order in which `packNeighbours` (or, for a last odd vector,
// `storePackedNeighbours`) writes activations.
inline long channelOf(long pair, long channels) {
  const long both = 2 * WIDTH, start = pair / WIDTH * both, place = pair % WIDTH;
  if (start + both > channels) return start + 2 * place;
  return start + place / 4 * 4 + place % 2 * 2 + place % 4 / 2 * WIDTH;
}

// Whole panels: planes of [columns / panel][rows / 2][panel] pairs, and each plane's column scales.
struct PackedWeights {
  Pair *pairs;
  float *scales;
  long rows, columns;

  // Pairs of a plane.
  static constexpr long plane(long rows, long columns) { return strideOf(ceilDivide(rows * columns, 2)); }

  // A panel in one plane.
  Pair *pairsAt(long p, long column) const { return pairs + p * plane(rows, columns) + column * (rows / 2); }
  float *scalesAt(long p, long column) const { return scales + p * columns + column; }
  Operand operand(long p, long column, long panel) const {
    return {pairsAt(p, column), {1, panel}, scalesAt(p, column)};
  }
};

template <typename Algorithm>
struct WeightPacking {
  static constexpr int KERNEL = Algorithm::KERNEL, FACTORS = Algorithm::FACTORS;
  static constexpr int PLANES_OF_FACTORS = FACTORS * FACTORS, TAPS_OF_FILTER = KERNEL * KERNEL;
  const Taps taps;

  static long pairs(long rows, long columns) { return PLANES_OF_FACTORS * PackedWeights::plane(rows, columns); }
  static long transposedFloats(const Taps &taps) { return taps.transposed ? TAPS_OF_FILTER * taps.rows * PANEL : 0; }

  long panel() const { return panelOf(taps.columns); }

  // Taps of some columns, with the strides of taps and rows.
  struct Columns {
    const float *from;
    long tap, row;
  };

  Columns columnsAt(long column, float *to) const {
    if (!taps.transposed) return {taps.filter + column, taps.rows * taps.columns, taps.columns};
    const long block = CHANNELS * panel();
    for (long row = 0; row < taps.rows; row += CHANNELS) {
      transpose<TAPS_OF_FILTER>(taps, row, column, panel(), to + row / CHANNELS * TAPS_OF_FILTER * block);
    }
    return {to, block, panel()};
  }

  // Memory of a panel's taps, to prefetch.
  MemoryRows rowsOf(long column) const {
    const long row = taps.transposed ? taps.rows : taps.columns, tap = taps.rows * taps.columns * long{sizeof(float)};
    if (taps.transposed) return {{taps.filter + column * row, panel() * row}, TAPS_OF_FILTER, tap};
    return {{taps.filter + column, panel()}, TAPS_OF_FILTER * taps.rows, row * long{sizeof(float)}};
  }

  // A vector of columns of one row; transposed taps are in blocks of CHANNELS rows.
  const float *tapsAt(const Columns &columns, long row, long column) const {
    const long block = taps.transposed ? row / CHANNELS * TAPS_OF_FILTER * columns.tap + row % CHANNELS * columns.row
                                       : row * columns.row;
    return columns.from + block + column;
  }

  // One group of rows of a transform.
  template <int FIRST, typename Take>
  static ALWAYS_INLINE void transform(const float *from, long tap, const Take &take) {
    rowsOnBothAxes<KERNEL, FACTORS, FIRST>(
        Algorithm::filter, [&](int i, int j) { return load(from + (i * KERNEL + j) * tap); }, take);
  }

  // Packs the panel from column `first` on to column `place` of `packed`; `transposed` is scratch memory of
  // transposedFloats(taps).
  void pack(long first, const PackedWeights &packed, long place, float *transposed) const {
    const Columns columns = columnsAt(first, transposed);
    for (long column = 0; column < panel(); column += WIDTH) {
      Vector squares[PLANES_OF_FACTORS] = {}, inverses[PLANES_OF_FACTORS];
      for (long row = 0; row < taps.rows; row += CHANNELS) addSquares(columns, row, column, squares);
      for (int p = 0; p < PLANES_OF_FACTORS; p++) {
        const Scales found = scalesOf(squares[p]);
        store(packed.scalesAt(p, place + column), found.scale);
        inverses[p] = found.inverse;
      }
      const long apart = PackedWeights::plane(packed.rows, packed.columns);
      for (long pair = 0; pair < taps.rows / 2; pair++) {
        writePair(columns, pair, column, inverses, packed.pairsAt(0, place) + pair * panel() + column, apart);
      }
    }
  }

  void packAll(const PackedWeights &packed, float *transposed) const {
    for (long first = 0; first < taps.columns; first += panel()) pack(first, packed, first, transposed);
  }

  // Adds up the squares of CHANNELS rows.
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

  // Quantizes two rows.
  void writePair(const Columns &columns, long pair, long column, const Vector (&inverses)[PLANES_OF_FACTORS], Pair *to,
                 long apart) const {
    const long row = channelOf(pair, taps.rows);
    const float *one = tapsAt(columns, row, column);
    const float *other = tapsAt(columns, row + 1, column);
    forRowsAtOnce<FACTORS>([&](auto firstRow) INLINED {
      constexpr int FIRST = decltype(firstRow)::value, PLACES = (endOfRowsAtOnce<FACTORS>(FIRST) - FIRST) * FACTORS;
      Pairs ones[PLACES];
      transform<FIRST>(one, columns.tap, [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
        for (int j = 0; j < FACTORS; j++) {
          ones[(i - FIRST) * FACTORS + j] = roundToInt32(factors[j] * inverses[i * FACTORS + j]);
        }
      });
      transform<FIRST>(other, columns.tap, [&](int i, const Vector(&factors)[FACTORS]) {
#pragma GCC unroll 16
        for (int j = 0; j < FACTORS; j++) {
          const int p = i * FACTORS + j;
          store(to + p * apart, packPairs(ones[(i - FIRST) * FACTORS + j], roundToInt32(factors[j] * inverses[p])));
        }
      });
    });
  }
};

// Packs all panels on all threads.
template <typename Algorithm>
struct SharedPacking {
  const WeightPacking<Algorithm> packing;
  const PackedWeights packed;
  // Per thread: a panel of transposed taps.
  const WorkerMemory transposed;

  void panel(long index, long worker) const {
    const long first = index * packing.panel();
    packing.pack(first, packed, first, transposed.of(worker));
  }

  void run(const Host &host) const {
    parallelFor<SharedPacking, &SharedPacking::panel>(host, packing.taps.columns / packing.panel(), *this);
  }
};

}  // namespace
}  // namespace pefd
