// Up to two by three tiles of sums, and products that are added to them: the inner loop of the gradient of the filter.
#pragma once

#include <type_traits>

#include "../ahead.h"
#include "units.h"

namespace pefd {
namespace {

// Images and gradients that come next.
struct Ahead {
  Stream x, dy;

  inline void fetch() {
    x.fetch();
    dy.fetch();
  }
};

constexpr long MOST_ROWS = 2, MOST_COLUMNS = 3;

// Numbers of a tile of sums.
constexpr long TILE_SUMS = SIDE * SIDE;

// M tiles of rows by N of columns. Sums are in tiles 0 to 5; what is multiplied goes through tiles 6 and 7, which the
// processor renames as it does other registers. Two by three of them take seven loads for six products, where two by
// two take four for four; but where the three columns overlap in memory, only three of the seven come from further away
// than the nearest cache.
template <int M, int N>
struct Oblong {
  Units &units;

  void zero() const {
    eachTile([&](auto tile, long /*m*/, long /*n*/) { units.zero<decltype(tile)::value>(); });
  }
  void load(float *const (&from)[MOST_ROWS][MOST_COLUMNS]) const {
    eachTile([&](auto tile, long m, long n) { units.load<decltype(tile)::value>(from[m][n], ROW_BYTES); });
  }
  void store(float *const (&to)[MOST_ROWS][MOST_COLUMNS]) const {
    eachTile([&](auto tile, long m, long n) { units.store<decltype(tile)::value>(to[m][n], ROW_BYTES); });
  }

  // Adds products of `depths` times DEPTH numbers of each row. Each pointer is to the first of as many tiles, once it
  // has been moved on. Returns what is left to be fetched.
  Ahead add(const Bfloat16 *const (&rows)[MOST_ROWS], long rowsOn, const Bfloat16 *const (&columns)[MOST_COLUMNS],
            long columnsOn, long depths, Ahead ahead) const {
    // Copies, since they stay in registers: the compiler takes every load of a tile for one that may change memory.
    const Bfloat16 *const a0 = rows[0] + rowsOn, *const a1 = rows[M - 1] + rowsOn;
    const Bfloat16 *const b0 = columns[0] + columnsOn, *const b1 = columns[N > 1] + columnsOn;
    const Bfloat16 *const b2 = columns[N - 1] + columnsOn;
    for (long at = 0; at < depths * TILE_NUMBERS; at += TILE_NUMBERS) {
      ahead.fetch();
      units.load<ROWS>(a0 + at, ROW_BYTES);
      addColumn<0>(b0 + at);
      if (N > 1) addColumn<1>(b1 + at);
      if (N > 2) addColumn<2>(b2 + at);
      if (M == 1) continue;
      // The last column is still there, so the second row goes back from it.
      units.load<ROWS>(a1 + at, ROW_BYTES);
      units.multiply<MOST_COLUMNS + N - 1, ROWS, COLUMNS>();
      if (N > 2) addColumn<MOST_COLUMNS + 1>(b1 + at);
      if (N > 1) addColumn<MOST_COLUMNS>(b0 + at);
    }
    return ahead;
  }

 private:
  static constexpr int ROWS = 6, COLUMNS = 7;

  template <int SUMS>
  inline void addColumn(const Bfloat16 *column) const {
    units.load<COLUMNS>(column, ROW_BYTES);
    units.multiply<SUMS, ROWS, COLUMNS>();
  }

  template <typename Each>
  inline void eachTile(Each each) const {
    each(std::integral_constant<int, 0>{}, 0, 0);
    if (N > 1) each(std::integral_constant<int, 1>{}, 0, 1);
    if (N > 2) each(std::integral_constant<int, 2>{}, 0, 2);
    if (M == 1) return;
    each(std::integral_constant<int, 3>{}, 1, 0);
    if (N > 1) each(std::integral_constant<int, 4>{}, 1, 1);
    if (N > 2) each(std::integral_constant<int, 5>{}, 1, 2);
  }
};

// Calls `run` with as many tiles of rows and columns.
template <typename Run>
inline void withOblong(Units &units, long rows, long columns, Run run) {
  if (rows > 1) {
    columns > 2 ? run(Oblong<2, 3>{units}) : columns > 1 ? run(Oblong<2, 2>{units}) : run(Oblong<2, 1>{units});
  } else {
    columns > 2 ? run(Oblong<1, 3>{units}) : columns > 1 ? run(Oblong<1, 2>{units}) : run(Oblong<1, 1>{units});
  }
}

}  // namespace
}  // namespace pefd
