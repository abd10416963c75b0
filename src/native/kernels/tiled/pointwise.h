// 1x1 filters.
#pragma once

#include "algorithm.h"

namespace pefd {
namespace {

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
struct Pointwise : OneTap {
  static constexpr int STEP = 4, WINDOW = 4, TILE = 4;
  using InputGradient = Pointwise;

  static inline void input(const Vector (&d)[4], Vector (&v)[4]) { copy(d, v); }
  static inline void output(const Vector (&m)[4], Vector (&y)[4]) { copy(m, y); }
  static inline void outputTransposed(const Vector (&y)[4], Vector (&m)[4]) { copy(y, m); }
};

// The gradient of the image of a strided 1x1 convolution: the pixels between are zero.
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

}  // namespace
}  // namespace pefd
