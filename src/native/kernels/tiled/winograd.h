// 3x3 filters of stride 1: F(4x4, 3x3).
#pragma once

#include "algorithm.h"

namespace pefd {
namespace {

struct Winograd3x3 {
  static constexpr int KERNEL = 3, BEFORE = 1, STEP = 4, WINDOW = 6, POINTS = 6, FACTORS = 6, TILE = 4;
  static constexpr int factorOf(int point) { return point; }
  using InputGradient = Winograd3x3;

  static constexpr float a = 0.75f, b = 1.5f;
  static constexpr float a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
  // The denominators of Lagrange's interpolation at 0, +-a, +-b.
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

}  // namespace
}  // namespace pefd
