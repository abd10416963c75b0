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
constexpr long GROUP_BYTES = 4 << 20;
// Input channels whose products one task sums.
constexpr long SUMMED = 32;

// The gradient of the filter: both images transformed, products summed over tiles, and the sums transformed back.
template <int M>
struct FilterGradient {
  static constexpr int SIDE = M + 2;
  Tiles<M> tiles;
  long inputs, outputs;
  const float *x, *dy, *outside;
  float *dfilter, *planes, *gradients, *sums;
  long first = 0, count = 0;

  long inRow() const { return apart(inputs); }
  long outRow() const { return apart(outputs); }
  long inPlane() const { return apart(count * inRow()); }
  long outPlane() const { return apart(count * outRow()); }
  long sumPlane() const { return apart(inputs * outputs); }

  void transform(long index) const {
    const long from = index * TILES, size = smaller(TILES, count - from);
    transformPixels<M, SIDE>(Winograd<M>::input, tiles, first + from, size, 1, x, inputs, outside,
                             planes + from * inRow(), inPlane());
    transformPixels<M, M>(Winograd<M>::outputTransposed, tiles, first + from, size, 0, dy, outputs, outside,
                          gradients + from * outRow(), outPlane());
  }

  void product(long index) const {
    const long blocks = parts(inputs, SUMMED), plane = index / blocks, c = index % blocks * SUMMED;
    const long panel = panelOf(outputs);
    for (long o = 0; o < outputs; o += panel) {
      multiply(smaller(SUMMED, inputs - c), panel, count, planes + plane * inPlane() + c, {1, inRow()},
               gradients + plane * outPlane() + o, outRow(), sums + plane * sumPlane() + c * outputs + o, outputs,
               first > 0);
    }
  }

  void result(long index) const {
    const long tap = inputs * outputs;
    for (long o = 0; o < outputs; o += WIDTH) {
      Vector in[SIDE][SIDE], out[3][3];
      const float *from = sums + index * outputs + o;
#pragma GCC unroll 8
      for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SIDE; j++) in[i][j] = load(from + (i * SIDE + j) * sumPlane());
      onBothSides<SIDE, 3>(Winograd<M>::filterTransposed, in, out);
      float *to = dfilter + index * outputs + o;
#pragma GCC unroll 8
      for (int i = 0; i < 3; i++)
#pragma GCC unroll 8
        for (int j = 0; j < 3; j++) store(to + (i * 3 + j) * tap, out[i][j]);
    }
  }
};

template <int M>
void filterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  using Gradient = FilterGradient<M>;
  constexpr int PLANE_COUNT = Gradient::SIDE * Gradient::SIDE;
  const Tiles<M> tiles(conv.n, conv.h, conv.w);
  // Fixed by the sizes alone, so that the order of the sums is, too.
  const long perTile = PLANE_COUNT * (conv.inputs + conv.outputs) * long{sizeof(float)};
  const long groups = parts(tiles.count(), larger(32, GROUP_BYTES / perTile));
  const long most = parts(tiles.count(), groups);
  Gradient gradient{tiles,
                    conv.inputs,
                    conv.outputs,
                    x,
                    dy,
                    zeros(host, ZEROS, larger(conv.inputs, conv.outputs)),
                    dfilter,
                    host.scratch(PLANES, PLANE_COUNT * apart(most * apart(conv.inputs))),
                    host.scratch(GRADIENTS, PLANE_COUNT * apart(most * apart(conv.outputs))),
                    host.scratch(SUMS, PLANE_COUNT * apart(conv.inputs * conv.outputs))};
  for (long g = 0; g < groups; g++) {
    gradient.first = tiles.count() * g / groups;
    gradient.count = tiles.count() * (g + 1) / groups - gradient.first;
    each<Gradient, &Gradient::transform>(host, parts(gradient.count, TILES), gradient);
    each<Gradient, &Gradient::product>(host, PLANE_COUNT * parts(conv.inputs, SUMMED), gradient);
  }
  each<Gradient, &Gradient::result>(host, conv.inputs, gradient);
}

}  // namespace
}  // namespace pefd
