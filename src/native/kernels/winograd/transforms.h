// Winograd transforms of each kind of convolution (A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016, arXiv:1509.09308, equation 8): a tile of outputs is y = A^T [(G g G^T) * (B^T d B)] A of an input
// window d and taps g. The interpolation points are 0, +-a, +-b (or b alone) and infinity; Lavin and Gray's points
// 1 and 2 have twice the rounding error (docs/kernels.md).
//
// A struct describes one axis and is applied to both (onBothAxes):
// - KERNEL taps; windows of WINDOW pixels begin BEFORE the tile's first and are STEP apart
// - `input` (B^T) maps a window to POINTS values, `filter` (G) the taps to FACTORS; point p is multiplied with
//   factorOf(p), and `output` (A^T) maps the products to TILE outputs
// - `outputTransposed` (A) and `filterTransposed` (G^T) serve wgrad
// - `InputGradient` is the algorithm of dgrad, whose taps are flipped
#pragma once

#include <type_traits>

#include "../kernels.h"
#include "../vector.h"

// Transforms must be inlined: if the compiler refuses, they take ten times as long.
#define INLINED __attribute__((always_inline))
#define ALWAYS_INLINE INLINED inline

namespace pefd {
namespace {

// p * x + q * y with an explicit FMA, so that compilers cannot choose which product is rounded.
inline Vector twoTerms(float p, Vector x, float q, Vector y) { return multiplyAdd(p, x, q * y); }

// End of the rows that are computed together with row `first`: those of points +-a share terms, and more do not fit the
// registers. Reloading the inputs costs less than spilling.
template <int ROWS_OF_RESULT>
constexpr int endOfRowsAtOnce(int first) {
  if (ROWS_OF_RESULT <= 4) return ROWS_OF_RESULT;
  return first == 0 ? 1 : first + 2 < ROWS_OF_RESULT ? first + 2 : ROWS_OF_RESULT;
}

// Calls step(first) for each such group, with a compile-time constant.
template <int ROWS_OF_RESULT, int FIRST = 0, typename Step>
ALWAYS_INLINE void forRowsAtOnce(const Step &step) {
  constexpr int END = endOfRowsAtOnce<ROWS_OF_RESULT>(FIRST);
  step(std::integral_constant<int, FIRST>());
  if constexpr (END < ROWS_OF_RESULT) forRowsAtOnce<ROWS_OF_RESULT, END>(step);
}

// One group of rows of a square at(i, j), transformed along columns, then rows; take(i, row) receives each.
template <int IN, int OUT, int FIRST, typename At, typename Take>
ALWAYS_INLINE void rowsOnBothAxes(void (&oneAxis)(const Vector (&)[IN], Vector (&)[OUT]), const At &at,
                                  const Take &take) {
  constexpr int END = endOfRowsAtOnce<OUT>(FIRST);
  Vector half[END - FIRST][IN];
#pragma GCC unroll 16
  for (int j = 0; j < IN; j++) {
    Vector column[IN], transformed[OUT];
#pragma GCC unroll 16
    for (int i = 0; i < IN; i++) column[i] = at(i, j);
    oneAxis(column, transformed);
#pragma GCC unroll 16
    for (int i = FIRST; i < END; i++) half[i - FIRST][j] = transformed[i];
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

// 1x1 convolutions: no transform, but tiles block the pixels for GEMM.
struct OneTap {
  static constexpr int KERNEL = 1, BEFORE = 0, POINTS = 4, FACTORS = 1;
  static constexpr int factorOf(int) { return 0; }

  static inline void filter(const Vector (&g)[1], Vector (&u)[1]) { u[0] = g[0]; }
  static inline void filterTransposed(const Vector (&u)[1], Vector (&g)[1]) { g[0] = u[0]; }
  static inline void copy(const Vector (&from)[4], Vector (&to)[4]) {
    for (int i = 0; i < 4; i++) to[i] = from[i];
  }
};

// 1x1, stride 1.
struct Pointwise : OneTap {
  static constexpr int STEP = 4, WINDOW = 4, TILE = 4;
  using InputGradient = Pointwise;

  static inline void input(const Vector (&d)[4], Vector (&v)[4]) { copy(d, v); }
  static inline void output(const Vector (&m)[4], Vector (&y)[4]) { copy(m, y); }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[4]) { copy(y, m); }
};

// dgrad of a strided 1x1 convolution: skipped pixels are zero.
struct StridedPointwiseInputGradient : OneTap {
  static constexpr int STEP = 4, WINDOW = 4, TILE = 8;

  static inline void input(const Vector (&d)[4], Vector (&v)[4]) { copy(d, v); }
  static inline void output(const Vector (&m)[4], Vector (&y)[8]) {
    for (int i = 0; i < 4; i++) {
      y[2 * i] = m[i];
      y[2 * i + 1] = Vector{};
    }
  }
};

// 1x1, stride 2.
struct StridedPointwise : OneTap {
  static constexpr int STEP = 8, WINDOW = 7, TILE = 4;
  using InputGradient = StridedPointwiseInputGradient;

  static inline void input(const Vector (&d)[7], Vector (&v)[4]) {
    for (int i = 0; i < 4; i++) v[i] = d[2 * i];
  }
  static inline void output(const Vector (&m)[4], Vector (&y)[4]) { copy(m, y); }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[4]) { copy(y, m); }
};

// F(4, 2), the outer taps of strided 3x3 convolutions.
struct TwoTaps {
  static constexpr float a = 0.75f, b = 2, a2 = a * a;
  static constexpr float at0 = 1 / (a2 * b), atA = 1 / (2 * a2 * (a - b)), atMinusA = -1 / (2 * a2 * (a + b)),
                         atB = 1 / (b * (b * b - a2));

  static inline void input(const Vector &d0, const Vector &d1, const Vector &d2, const Vector &d3, const Vector &d4,
                           Vector *v) {
    v[0] = multiplyAdd(a2 * b, d0, multiplyAdd(-a2, d1, multiplyAdd(-b, d2, d3)));
    v[1] = multiplyAdd(-a * b, d1, multiplyAdd(a - b, d2, d3));
    v[2] = multiplyAdd(a * b, d1, multiplyAdd(-(a + b), d2, d3));
    v[3] = multiplyAdd(-a2, d1, d3);
    v[4] = multiplyAdd(a2 * b, d1, multiplyAdd(-a2, d2, multiplyAdd(-b, d3, d4)));
  }

  static inline void output(const Vector *m, Vector (&y)[4]) {
    const Vector sum = m[1] + m[2], difference = m[1] - m[2];
    y[0] = m[0] + sum + m[3];
    y[1] = twoTerms(a, difference, b, m[3]);
    y[2] = twoTerms(a2, sum, b * b, m[3]);
    y[3] = twoTerms(a2 * a, difference, b * b * b, m[3]) + m[4];
  }

  static inline void outputTransposed(const Vector (&y)[4], Vector *m) {
    const Vector even = multiplyAdd(a2, y[2], y[0]), odd = twoTerms(a, y[1], a2 * a, y[3]);
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = multiplyAdd(b * b * b, y[3], multiplyAdd(b * b, y[2], multiplyAdd(b, y[1], y[0])));
    m[4] = y[3];
  }

  static inline void filter(const Vector &g0, const Vector &g1, Vector *u) {
    u[0] = at0 * g0;
    u[1] = atA * multiplyAdd(a, g1, g0);
    u[2] = atMinusA * multiplyAdd(-a, g1, g0);
    u[3] = atB * multiplyAdd(b, g1, g0);
    u[4] = g1;
  }

  static inline void filterTransposed(const Vector *u, Vector &g0, Vector &g1) {
    const Vector uMinusA = atMinusA * u[2], uB = atB * u[3];
    g0 = twoTerms(atA, u[1], at0, u[0]) + uMinusA + uB;
    g1 = twoTerms(a, multiplyAdd(atA, u[1], -uMinusA), b, uB) + u[4];
  }
};

// Shared by strided 3x3 convolutions and their dgrad: every second pixel meets only the middle tap, the others the two
// outer taps. Points 0 to 4 are the outer taps', the others are the middle tap with one pixel.
struct Strided3x3Taps {
  static constexpr int KERNEL = 3, POINTS = 9, FACTORS = 6;
  static constexpr int factorOf(int point) { return point < 5 ? point : 5; }

  static inline void filter(const Vector (&g)[3], Vector (&u)[6]) {
    TwoTaps::filter(g[0], g[2], u);
    u[5] = g[1];
  }
  static inline void filterTransposed(const Vector (&u)[6], Vector (&g)[3]) {
    TwoTaps::filterTransposed(u, g[0], g[2]);
    g[1] = u[5];
  }
};

// dgrad: eight pixels of four output gradients.
struct Strided3x3InputGradient : Strided3x3Taps {
  static constexpr int BEFORE = 0, STEP = 4, WINDOW = 5, TILE = 8;

  static inline void input(const Vector (&d)[5], Vector (&v)[9]) {
    TwoTaps::input(d[0], d[1], d[2], d[3], d[4], v);
    for (int i = 0; i < 4; i++) v[5 + i] = d[i];
  }
  static inline void output(const Vector (&m)[9], Vector (&y)[8]) {
    Vector odd[4];
    TwoTaps::output(m, odd);
    for (int i = 0; i < 4; i++) {
      y[2 * i] = m[5 + i];
      y[2 * i + 1] = odd[i];
    }
  }
};

struct Strided3x3 : Strided3x3Taps {
  static constexpr int BEFORE = 1, STEP = 8, WINDOW = 9, TILE = 4;
  using InputGradient = Strided3x3InputGradient;

  static inline void input(const Vector (&d)[9], Vector (&v)[9]) {
    TwoTaps::input(d[0], d[2], d[4], d[6], d[8], v);
    for (int i = 0; i < 4; i++) v[5 + i] = d[2 * i + 1];
  }
  static inline void output(const Vector (&m)[9], Vector (&y)[4]) {
    TwoTaps::output(m, y);
    for (int i = 0; i < 4; i++) y[i] += m[5 + i];
  }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[9]) {
    TwoTaps::outputTransposed(y, m);
    for (int i = 0; i < 4; i++) m[5 + i] = y[i];
  }
};

struct Winograd3x3 {
  static constexpr int KERNEL = 3, BEFORE = 1, STEP = 4, WINDOW = 6, POINTS = 6, FACTORS = 6, TILE = 4;
  static constexpr int factorOf(int point) { return point; }
  using InputGradient = Winograd3x3;

  static constexpr float a = 0.75f, b = 1.5f;
  static constexpr float a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
  // Denominators of Lagrange interpolation at 0, +-a, +-b.
  static constexpr float at0 = 1 / (a2 * b2), atA = 1 / (2 * a2 * (a2 - b2)), atB = 1 / (2 * b2 * (b2 - a2));

  // B^T
  static inline void input(const Vector (&d)[6], Vector (&v)[6]) {
    const Vector evenA = multiplyAdd(-b2, d[2], d[4]), oddA = multiplyAdd(-b2, d[1], d[3]);
    const Vector evenB = multiplyAdd(-a2, d[2], d[4]), oddB = multiplyAdd(-a2, d[1], d[3]);
    v[0] = twoTerms(a2 * b2, d[0], -(a2 + b2), d[2]) + d[4];
    v[1] = multiplyAdd(a, oddA, evenA);
    v[2] = multiplyAdd(-a, oddA, evenA);
    v[3] = multiplyAdd(b, oddB, evenB);
    v[4] = multiplyAdd(-b, oddB, evenB);
    v[5] = twoTerms(a2 * b2, d[1], -(a2 + b2), d[3]) + d[5];
  }

  // A^T
  static inline void output(const Vector (&m)[6], Vector (&y)[4]) {
    const Vector sumA = m[1] + m[2], differenceA = m[1] - m[2];
    const Vector sumB = m[3] + m[4], differenceB = m[3] - m[4];
    y[0] = m[0] + sumA + sumB;
    y[1] = twoTerms(a, differenceA, b, differenceB);
    y[2] = twoTerms(a2, sumA, b2, sumB);
    y[3] = twoTerms(a3, differenceA, b3, differenceB) + m[5];
  }

  // A
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[6]) {
    const Vector evenA = multiplyAdd(a2, y[2], y[0]), oddA = twoTerms(a, y[1], a3, y[3]);
    const Vector evenB = multiplyAdd(b2, y[2], y[0]), oddB = twoTerms(b, y[1], b3, y[3]);
    m[0] = y[0];
    m[1] = evenA + oddA;
    m[2] = evenA - oddA;
    m[3] = evenB + oddB;
    m[4] = evenB - oddB;
    m[5] = y[3];
  }

  // G
  static inline void filter(const Vector (&g)[3], Vector (&u)[6]) {
    const Vector evenA = multiplyAdd(a2, g[2], g[0]), evenB = multiplyAdd(b2, g[2], g[0]);
    u[0] = at0 * g[0];
    u[1] = twoTerms(atA, evenA, atA * a, g[1]);
    u[2] = twoTerms(atA, evenA, -atA * a, g[1]);
    u[3] = twoTerms(atB, evenB, atB * b, g[1]);
    u[4] = twoTerms(atB, evenB, -atB * b, g[1]);
    u[5] = g[2];
  }

  // G^T
  static inline void filterTransposed(const Vector (&u)[6], Vector (&g)[3]) {
    const Vector sumA = atA * (u[1] + u[2]), differenceA = u[1] - u[2];
    const Vector sumB = atB * (u[3] + u[4]), differenceB = u[3] - u[4];
    g[0] = multiplyAdd(at0, u[0], sumA) + sumB;
    g[1] = twoTerms(atA * a, differenceA, atB * b, differenceB);
    g[2] = twoTerms(a2, sumA, b2, sumB) + u[5];
  }
};

// Calls `run` with the algorithm of a convolution.
template <typename Run>
Outcome withAlgorithm(const Convolution &conv, Run run) {
  if (conv.kernel == 3) return conv.stride == 1 ? run(Winograd3x3{}) : run(Strided3x3{});
  return conv.stride == 1 ? run(Pointwise{}) : run(StridedPointwise{});
}

}  // namespace
}  // namespace pefd
