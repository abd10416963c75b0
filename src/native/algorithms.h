// Bilinear algorithms for convolutions (S. Winograd; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016, arXiv:1509.09308, equation 8): a tile of results is
//   y = A^T [(G g G^T) * (B^T d B)] A
// of a window d of the image and the taps g, with far fewer products than results have terms. Polynomials are evaluated
// at 0, +-a, +-b (or b alone) and infinity (Toom and Cook). The paper takes a = 1, b = 2; what is taken here halves the
// rounding error (docs/adr/0007).
//
// An algorithm is written for one axis and applied to both (onBothSides):
// - KERNEL taps; the window of WINDOW pixels begins BEFORE the tile's first, and STEP further for the next tile
// - `input` (B^T) takes the window to POINTS values, `filter` (G) the taps to FACTORS; the value of a point is
//   multiplied with that of factorOf(point); `output` (A^T) takes the products to TILE results
// - `outputTransposed` (A) and `filterTransposed` (G^T) serve the gradient of the filter
// - `Gradient` is the algorithm for the gradient of the image, whose taps are turned round
#pragma once

#include "vector.h"

namespace pefd {
namespace {

// 3x3 taps, stride 1: F(4x4, 3x3).
struct Same {
  static constexpr int KERNEL = 3, BEFORE = 1, STEP = 4, WINDOW = 6, POINTS = 6, FACTORS = 6, TILE = 4;
  static constexpr int factorOf(int point) { return point; }
  using Gradient = Same;

  static constexpr float a = 0.75f, b = 1.5f;
  static constexpr float a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
  // The denominators of Lagrange's interpolation at 0, +-a, +-b.
  static constexpr float at0 = 1 / (a2 * b2), atA = 1 / (2 * a2 * (a2 - b2)), atB = 1 / (2 * b2 * (b2 - a2));

  // B^T
  static inline void input(const Vector (&d)[6], Vector (&v)[6]) {
    const Vector evenA = d[4] - b2 * d[2], oddA = a * (d[3] - b2 * d[1]);
    const Vector evenB = d[4] - a2 * d[2], oddB = b * (d[3] - a2 * d[1]);
    v[0] = a2 * b2 * d[0] - (a2 + b2) * d[2] + d[4];
    v[1] = evenA + oddA;
    v[2] = evenA - oddA;
    v[3] = evenB + oddB;
    v[4] = evenB - oddB;
    v[5] = a2 * b2 * d[1] - (a2 + b2) * d[3] + d[5];
  }

  // A^T
  static inline void output(const Vector (&m)[6], Vector (&y)[4]) {
    const Vector sumA = m[1] + m[2], differenceA = m[1] - m[2];
    const Vector sumB = m[3] + m[4], differenceB = m[3] - m[4];
    y[0] = m[0] + sumA + sumB;
    y[1] = a * differenceA + b * differenceB;
    y[2] = a2 * sumA + b2 * sumB;
    y[3] = a3 * differenceA + b3 * differenceB + m[5];
  }

  // A
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[6]) {
    const Vector evenA = y[0] + a2 * y[2], oddA = a * y[1] + a3 * y[3];
    const Vector evenB = y[0] + b2 * y[2], oddB = b * y[1] + b3 * y[3];
    m[0] = y[0];
    m[1] = evenA + oddA;
    m[2] = evenA - oddA;
    m[3] = evenB + oddB;
    m[4] = evenB - oddB;
    m[5] = y[3];
  }

  // G
  static inline void filter(const Vector (&g)[3], Vector (&u)[6]) {
    const Vector evenA = atA * (g[0] + a2 * g[2]), oddA = atA * a * g[1];
    const Vector evenB = atB * (g[0] + b2 * g[2]), oddB = atB * b * g[1];
    u[0] = at0 * g[0];
    u[1] = evenA + oddA;
    u[2] = evenA - oddA;
    u[3] = evenB + oddB;
    u[4] = evenB - oddB;
    u[5] = g[2];
  }

  // G^T
  static inline void filterTransposed(const Vector (&u)[6], Vector (&g)[3]) {
    const Vector sumA = atA * (u[1] + u[2]), differenceA = atA * a * (u[1] - u[2]);
    const Vector sumB = atB * (u[3] + u[4]), differenceB = atB * b * (u[3] - u[4]);
    g[0] = at0 * u[0] + sumA + sumB;
    g[1] = differenceA + differenceB;
    g[2] = a2 * sumA + b2 * sumB + u[5];
  }
};

// Two taps on a line of their own, F(4, 2): part of the strided algorithms.
struct TwoTaps {
  static constexpr float a = 0.75f, b = 2, a2 = a * a;
  static constexpr float at0 = 1 / (a2 * b), atA = 1 / (2 * a2 * (a - b)), atMinusA = -1 / (2 * a2 * (a + b)),
                         atB = 1 / (b * (b * b - a2));

  static inline void input(const Vector &d0, const Vector &d1, const Vector &d2, const Vector &d3, const Vector &d4,
                           Vector *v) {
    v[0] = d3 - b * d2 - a2 * d1 + a2 * b * d0;
    v[1] = d3 + (a - b) * d2 - a * b * d1;
    v[2] = d3 - (a + b) * d2 + a * b * d1;
    v[3] = d3 - a2 * d1;
    v[4] = d4 - b * d3 - a2 * d2 + a2 * b * d1;
  }

  static inline void output(const Vector *m, Vector (&y)[4]) {
    const Vector sum = m[1] + m[2], difference = m[1] - m[2];
    y[0] = m[0] + sum + m[3];
    y[1] = a * difference + b * m[3];
    y[2] = a2 * sum + b * b * m[3];
    y[3] = a2 * a * difference + b * b * b * m[3] + m[4];
  }

  static inline void outputTransposed(const Vector (&y)[4], Vector *m) {
    const Vector even = y[0] + a2 * y[2], odd = a * y[1] + a2 * a * y[3];
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = y[0] + b * y[1] + b * b * y[2] + b * b * b * y[3];
    m[4] = y[3];
  }

  static inline void filter(const Vector &g0, const Vector &g1, Vector *u) {
    u[0] = at0 * g0;
    u[1] = atA * (g0 + a * g1);
    u[2] = atMinusA * (g0 - a * g1);
    u[3] = atB * (g0 + b * g1);
    u[4] = g1;
  }

  static inline void filterTransposed(const Vector *u, Vector &g0, Vector &g1) {
    const Vector uA = atA * u[1], uMinusA = atMinusA * u[2], uB = atB * u[3];
    g0 = at0 * u[0] + uA + uMinusA + uB;
    g1 = a * (uA - uMinusA) + b * uB + u[4];
  }
};

// What a strided 3x3 convolution and its gradient share: every second pixel meets the middle tap alone, the others meet
// the two outer taps. The points 0 to 4 are those of the outer taps, each further one is the middle tap with one pixel.
struct StridedTaps {
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

// The gradient of its image: eight pixels of four results.
struct StridedGradient : StridedTaps {
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

// 3x3 taps, stride 2.
struct Strided : StridedTaps {
  static constexpr int BEFORE = 1, STEP = 8, WINDOW = 9, TILE = 4;
  using Gradient = StridedGradient;

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

// One tap: nothing is saved, but a tile is a block of pixels for the products.
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
struct Pixels : OneTap {
  static constexpr int STEP = 4, WINDOW = 4, TILE = 4;
  using Gradient = Pixels;

  static inline void input(const Vector (&d)[4], Vector (&v)[4]) { copy(d, v); }
  static inline void output(const Vector (&m)[4], Vector (&y)[4]) { copy(m, y); }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[4]) { copy(y, m); }
};

// The gradient of the image of a strided 1x1 convolution: the pixels between are zero.
struct StridedPixelsGradient : OneTap {
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
struct StridedPixels : OneTap {
  static constexpr int STEP = 8, WINDOW = 7, TILE = 4;
  using Gradient = StridedPixelsGradient;

  static inline void input(const Vector (&d)[7], Vector (&v)[4]) {
    for (int i = 0; i < 4; i++) v[i] = d[2 * i];
  }
  static inline void output(const Vector (&m)[4], Vector (&y)[4]) { copy(m, y); }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[4]) { copy(y, m); }
};

// A transform of rows applied to the columns of a square and then to its rows.
template <int IN, int OUT>
inline void onBothSides(void (&oneSide)(const Vector (&)[IN], Vector (&)[OUT]), const Vector (&in)[IN][IN],
                        Vector (&out)[OUT][OUT]) {
  Vector half[OUT][IN];
#pragma GCC unroll 16
  for (int j = 0; j < IN; j++) {
    Vector column[IN], turned[OUT];
#pragma GCC unroll 16
    for (int i = 0; i < IN; i++) column[i] = in[i][j];
    oneSide(column, turned);
#pragma GCC unroll 16
    for (int i = 0; i < OUT; i++) half[i][j] = turned[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < OUT; i++) oneSide(half[i], out[i]);
}

}  // namespace
}  // namespace pefd
