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

#include "../vector.h"

namespace pefd {
namespace {

// A transform of rows applied to the columns of a square and then to its rows.
template <int IN, int OUT>
inline void onBothAxes(void (&oneAxis)(const Vector (&)[IN], Vector (&)[OUT]), const Vector (&in)[IN][IN],
                       Vector (&out)[OUT][OUT]) {
  Vector half[OUT][IN];
#pragma GCC unroll 16
  for (int j = 0; j < IN; j++) {
    Vector column[IN], turned[OUT];
#pragma GCC unroll 16
    for (int i = 0; i < IN; i++) column[i] = in[i][j];
    oneAxis(column, turned);
#pragma GCC unroll 16
    for (int i = 0; i < OUT; i++) half[i][j] = turned[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < OUT; i++) oneAxis(half[i], out[i]);
}

}  // namespace
}  // namespace pefd
