// Bilinear algorithms for convolutions (S. Winograd; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016, arXiv:1509.09308, equation 8): a tile of results is
//   y = A^T [(G g G^T) * (B^T d B)] A
// of a window d of the image and the taps g, with far fewer products than results have terms. Polynomials are evaluated
// at 0, +-a, +-b (or b alone) and infinity (Toom and Cook). The paper takes a = 1, b = 2; what is taken here halves the
// rounding error (docs/adr/0007).
//
// An algorithm is a struct for one axis (winograd.h, strided.h, pointwise.h) and is applied to both (onBothAxes):
// - KERNEL taps; the window of WINDOW pixels begins BEFORE the tile's first, and STEP further for the next tile
// - `input` (B^T) takes the window to POINTS values, `filter` (G) the taps to FACTORS; the value of a point is
//   multiplied with that of factorOf(point); `output` (A^T) takes the products to TILE results
// - `outputTransposed` (A) and `filterTransposed` (G^T) serve the gradient of the filter
// - `InputGradient` is the algorithm for the gradient of the image, whose taps are turned round
#pragma once

#include <type_traits>

#include "../vector.h"

// A transform has to become one run of instructions: a compiler that thinks it too long leaves it ten times as slow.
#define INLINED __attribute__((always_inline))
#define ALWAYS_INLINE INLINED inline

namespace pefd {
namespace {

// p * x + q * y: which product is rounded alone is said here, where compilers would take this one or that.
inline Vector twoTerms(float p, Vector x, float q, Vector y) { return multiplyAdd(p, x, q * y); }

// Where the rows of a result end that are made at once with the one where they begin. Those of points of the same magnitude
// share terms; of more rows, what lies between both axes does not fit the processor's registers, and to load again what it
// is made of costs less than to store it.
template <int ROWS_OF_RESULT>
constexpr int endOfRowsAtOnce(int first) {
  if (ROWS_OF_RESULT <= 4) return ROWS_OF_RESULT;
  return first == 0 ? 1 : first + 2 < ROWS_OF_RESULT ? first + 2 : ROWS_OF_RESULT;
}

// Calls step(first) for the first of each of these rows, as a constant.
template <int ROWS_OF_RESULT, int FIRST = 0, typename Step>
ALWAYS_INLINE void forRowsAtOnce(const Step &step) {
  constexpr int END = endOfRowsAtOnce<ROWS_OF_RESULT>(FIRST);
  step(std::integral_constant<int, FIRST>());
  if constexpr (END < ROWS_OF_RESULT) forRowsAtOnce<ROWS_OF_RESULT, END>(step);
}

// The rows from FIRST on that are made at once of a square of which at(i, j) is an element, after a transform of its columns
// and then of its rows; take(i, row) gets each.
template <int IN, int OUT, int FIRST, typename At, typename Take>
ALWAYS_INLINE void rowsOnBothAxes(void (&oneAxis)(const Vector (&)[IN], Vector (&)[OUT]), const At &at, const Take &take) {
  constexpr int END = endOfRowsAtOnce<OUT>(FIRST);
  Vector half[END - FIRST][IN];
#pragma GCC unroll 16
  for (int j = 0; j < IN; j++) {
    Vector column[IN], turned[OUT];
#pragma GCC unroll 16
    for (int i = 0; i < IN; i++) column[i] = at(i, j);
    oneAxis(column, turned);
#pragma GCC unroll 16
    for (int i = FIRST; i < END; i++) half[i - FIRST][j] = turned[i];
  }
#pragma GCC unroll 16
  for (int i = FIRST; i < END; i++) {
    Vector row[OUT];
    oneAxis(half[i - FIRST], row);
    take(i, row);
  }
}

// All rows.
template <int IN, int OUT, typename At, typename Take>
ALWAYS_INLINE void onBothAxes(void (&oneAxis)(const Vector (&)[IN], Vector (&)[OUT]), const At &at, const Take &take) {
  forRowsAtOnce<OUT>([&](auto first) INLINED { rowsOnBothAxes<IN, OUT, decltype(first)::value>(oneAxis, at, take); });
}

}  // namespace
}  // namespace pefd
