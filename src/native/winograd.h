// The bilinear algorithm for a 3x3 correlation whose result is M x M pixels (S. Winograd; A. Lavin and S. Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016, arXiv:1509.09308, equation 8):
//   y = A^T [(G g G^T) * (B^T d B)] A
// with d of SIDE x SIDE pixels, SIDE = M + 2. Polynomials are evaluated at 0, +-a, +-b and infinity (Toom and Cook).
// The paper takes a = 1, b = 2; 3/4 and 3/2 halve the rounding error (docs/adr/0007).
//
// Each function is one of the matrices (or its transpose, for gradients) applied to one row of vectors.
#pragma once

#include "vector.h"

namespace pefd {
namespace {

template <int M>
struct Winograd;

template <>
struct Winograd<4> {
  static constexpr int SIDE = 6;
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

template <>
struct Winograd<2> {
  static constexpr int SIDE = 4;

  static inline void input(const Vector (&d)[4], Vector (&v)[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }

  static inline void output(const Vector (&m)[4], Vector (&y)[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }

  static inline void outputTransposed(const Vector (&y)[2], Vector (&m)[4]) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = -y[1];
  }

  static inline void filter(const Vector (&g)[3], Vector (&u)[4]) {
    const Vector even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
  }

  static inline void filterTransposed(const Vector (&u)[4], Vector (&g)[3]) {
    const Vector sum = 0.5f * (u[1] + u[2]);
    g[0] = u[0] + sum;
    g[1] = 0.5f * (u[1] - u[2]);
    g[2] = sum + u[3];
  }
};

// A transform of rows applied to the columns of a square and then to its rows.
template <int IN, int OUT>
inline void onBothSides(void (&oneSide)(const Vector (&)[IN], Vector (&)[OUT]), const Vector (&in)[IN][IN],
                        Vector (&out)[OUT][OUT]) {
  Vector half[OUT][IN];
#pragma GCC unroll 8
  for (int j = 0; j < IN; j++) {
    Vector column[IN], turned[OUT];
#pragma GCC unroll 8
    for (int i = 0; i < IN; i++) column[i] = in[i][j];
    oneSide(column, turned);
#pragma GCC unroll 8
    for (int i = 0; i < OUT; i++) half[i][j] = turned[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < OUT; i++) oneSide(half[i], out[i]);
}

}  // namespace
}  // namespace pefd
