// 3x3 filters of stride 2.
#pragma once

#include "algorithm.h"

namespace pefd {
namespace {

// Two taps in one dimension, F(4, 2): part of the strided algorithms.
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

// What a strided 3x3 convolution and its gradient share: every second pixel meets the middle tap alone, the others meet
// the two outer taps. The points 0 to 4 are those of the outer taps, each further one is the middle tap with one pixel.
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

// The gradient of the image: eight pixels of four results.
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

}  // namespace
}  // namespace pefd
