// The gradient of the filter.
#pragma once

#include "common.h"
#include "filter.h"
#include "kernels.h"
#include "product.h"
#include "tiles.h"

namespace pefd {
namespace {

// Bytes of transformed tiles that the gradient of a filter is summed over at once.
constexpr long GROUP_BYTES = 8 << 20;
// Input channels whose products one task sums.
constexpr long SUMMED = 32;

// The gradient of the filter: both images transformed, products summed over tiles, and the sums transformed back.
template <typename Algorithm>
struct FilterGradient {
  static constexpr int POINTS = Algorithm::POINTS, FACTORS = Algorithm::FACTORS, KERNEL = Algorithm::KERNEL;
  const Tiles tiles;
  const Squares<const float> x, dy;
  const float *const outside;
  float *const dfilter, *const planes, *const gradients, *const sums;
  long first = 0, count = 0;

  long inputs() const { return x.channels; }
  long outputs() const { return dy.channels; }
  long inRow() const { return apart(inputs()); }
  long outRow() const { return apart(outputs()); }
  long inPlane() const { return apart(count * inRow()); }
  long outPlane() const { return apart(count * outRow()); }
  long sumPlane() const { return apart(inputs() * outputs()); }

  void transform(long index) const {
    const long from = index * TILES, size = smaller(TILES, count - from);
    transformPixels<Algorithm::WINDOW, POINTS>(Algorithm::input, tiles, first + from, size, x, outside,
                                               planes + from * inRow(), inPlane());
    transformPixels<Algorithm::TILE, POINTS>(Algorithm::outputTransposed, tiles, first + from, size, dy, outside,
                                             gradients + from * outRow(), outPlane());
  }

  // Sums of one plane of factors and some input channels, over all points that meet those factors.
  void product(long index) const {
    const long blocks = parts(inputs(), SUMMED), factors = index / blocks, c = index % blocks * SUMMED;
    const long panel = panelOf(outputs());
    bool accumulate = first > 0;
    for (long p = 0; p < POINTS * POINTS; p++) {
      if (factorPlane<Algorithm>(p) != factors) continue;
      for (long o = 0; o < outputs(); o += panel) {
        multiply(smaller(SUMMED, inputs() - c), panel, count, planes + p * inPlane() + c, {1, inRow()},
                 gradients + p * outPlane() + o, outRow(), sums + factors * sumPlane() + c * outputs() + o, outputs(),
                 accumulate);
      }
      accumulate = true;
    }
  }

  void result(long index) const {
    const long tap = inputs() * outputs();
    for (long o = 0; o < outputs(); o += WIDTH) {
      Vector in[FACTORS][FACTORS], out[KERNEL][KERNEL];
      const float *from = sums + index * outputs() + o;
#pragma GCC unroll 16
      for (int i = 0; i < FACTORS; i++)
#pragma GCC unroll 16
        for (int j = 0; j < FACTORS; j++) in[i][j] = load(from + (i * FACTORS + j) * sumPlane());
      onBothSides<FACTORS, KERNEL>(Algorithm::filterTransposed, in, out);
      float *to = dfilter + index * outputs() + o;
#pragma GCC unroll 16
      for (int i = 0; i < KERNEL; i++)
#pragma GCC unroll 16
        for (int j = 0; j < KERNEL; j++) store(to + (i * KERNEL + j) * tap, out[i][j]);
    }
  }
};

template <typename Algorithm>
void filterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  using Gradient = FilterGradient<Algorithm>;
  constexpr long PLANES_OF_POINTS = Gradient::POINTS * Gradient::POINTS;
  constexpr long PLANES_OF_FACTORS = Gradient::FACTORS * Gradient::FACTORS;
  const long height = parts(conv.h, conv.stride), width = parts(conv.w, conv.stride);
  const Tiles tiles = cut<Algorithm>(conv.n, height, width);
  // Fixed by the sizes alone, so that the order of the sums is, too.
  const long perTile = PLANES_OF_POINTS * (conv.inputs + conv.outputs) * long{sizeof(float)};
  const long groups = parts(tiles.count(), larger(32, GROUP_BYTES / perTile));
  const long most = parts(tiles.count(), groups);
  Gradient gradient{tiles,
                    windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                    tilesOf<Algorithm>(dy, height, width, conv.outputs),
                    zeros(host, ZEROS, larger(conv.inputs, conv.outputs)),
                    dfilter,
                    host.scratch(PLANES, PLANES_OF_POINTS * apart(most * apart(conv.inputs))),
                    host.scratch(GRADIENTS, PLANES_OF_POINTS * apart(most * apart(conv.outputs))),
                    host.scratch(SUMS, PLANES_OF_FACTORS * apart(conv.inputs * conv.outputs))};
  for (long g = 0; g < groups; g++) {
    gradient.first = tiles.count() * g / groups;
    gradient.count = tiles.count() * (g + 1) / groups - gradient.first;
    each<Gradient, &Gradient::transform>(host, parts(gradient.count, TILES), gradient);
    each<Gradient, &Gradient::product>(host, PLANES_OF_FACTORS * parts(conv.inputs, SUMMED), gradient);
  }
  each<Gradient, &Gradient::result>(host, conv.inputs, gradient);
}

}  // namespace
}  // namespace pefd
