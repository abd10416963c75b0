// The forward pass, which is the gradient of the input as well: that of the output convolved with turned taps.
#pragma once

#include "common.h"
#include "filter.h"
#include "kernels.h"
#include "product.h"
#include "tiles.h"

namespace pefd {
namespace {

// Bytes of transformed tiles that a task works on.
constexpr long TASK_BYTES = 1 << 20;
template <int M>
struct Forward {
  static constexpr int SIDE = M + 2, POINTS = SIDE * SIDE;
  const Host &host;
  const Tiles<M> tiles;
  const Taps taps;
  const float *x;
  const Finish finish;
  float *y;
  float *packed = nullptr;
  long tasks = 0;

  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }

  // Some tiles from images to images.
  void task(long index) const {
    const long first = tiles.count() * index / tasks, count = tiles.count() * (index + 1) / tasks - first;
    if (count == 0) return;
    const long inRow = apart(inputs()), outRow = apart(outputs()), panel = panelOf(outputs());
    const long inPlane = apart(count * inRow), outPlane = apart(count * outRow);
    float *planes = host.scratch(PLANES, POINTS * inPlane);
    float *products = host.scratch(OUTPUTS, POINTS * outPlane);
    transformPixels<M, SIDE>(Winograd<M>::input, tiles, first, count, 1, x, inputs(), zeros(host, ZEROS, inputs()),
                             planes, inPlane);
    for (long p = 0; p < POINTS; p++) {
      for (long o = 0; o < outputs(); o += panel) {
        multiply(count, panel, inputs(), planes + p * inPlane, {inRow, 1},
                 packed + p * apart(inputs() * outputs()) + o * inputs(), panel, products + p * outPlane + o,
                 outRow, false);
      }
    }
    results(first, count, products, outRow, outPlane);
  }

  // Transforms products of some tiles back, and finishes them.
  void results(long first, long count, const float *products, long outRow, long outPlane) const {
    float *outside = host.scratch(ZEROS, outputs());
    for (long t = 0; t < count; t++) {
      float *pixel[M * M];
      tiles.template pixels<M, float>(tiles.place(first + t), 0, y, outputs(), outside, pixel);
      for (long o = 0; o < outputs(); o += WIDTH) {
        Vector in[SIDE][SIDE], out[M][M];
#pragma GCC unroll 8
        for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
          for (int j = 0; j < SIDE; j++) in[i][j] = load(products + (i * SIDE + j) * outPlane + t * outRow + o);
        onBothSides<SIDE, M>(Winograd<M>::output, in, out);
        finished(out, pixel, outside, o);
#pragma GCC unroll 16
        for (int i = 0; i < M * M; i++) store(pixel[i] + o, out[i / M][i % M]);
      }
    }
  }

  inline void finished(Vector (&out)[M][M], float *const (&pixel)[M * M], const float *outside, long channel) const {
    if (finish.bias != nullptr) {
      const Vector bias = load(finish.bias + channel);
#pragma GCC unroll 16
      for (int i = 0; i < M * M; i++) out[i / M][i % M] += bias;
    }
    if (finish.image != nullptr) {
      for (int i = 0; i < M * M; i++) {
        if (pixel[i] != outside) out[i / M][i % M] += load(finish.image + (pixel[i] - y) + channel);
      }
    }
    if (finish.relu) {
#pragma GCC unroll 16
      for (int i = 0; i < M * M; i++) {
        const Vector value = out[i / M][i % M];
        out[i / M][i % M] = value < 0 ? Vector{} : value;  // a NaN stays one
      }
    }
  }

  void run() {
    packed = host.scratch(PACKED, POINTS * apart(inputs() * outputs()));
    packAll<M>(host, taps, packed);
    const long perTile = POINTS * (inputs() + outputs()) * long{sizeof(float)};
    const long most = larger(ROWS, smaller(TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = parts(parts(tiles.count(), most), host.threads) * host.threads;
    each<Forward, &Forward::task>(host, tasks, *this);
  }
};

template <int M>
void forward(const Host &host, const Convolution &conv, const float *x, const float *filter, Finish finish, float *y) {
  const Taps taps{filter, conv.inputs, conv.outputs, false};
  Forward<M>{host, Tiles<M>(conv.n, conv.h, conv.w), taps, x, finish, y}.run();
}

template <int M>
void inputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy, float *dx) {
  const Taps taps{filter, conv.outputs, conv.inputs, true};
  Forward<M>{host, Tiles<M>(conv.n, conv.h, conv.w), taps, dy, {}, dx}.run();
}

}  // namespace
}  // namespace pefd
