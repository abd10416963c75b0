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

template <typename Algorithm>
struct Forward {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS, TILE = Algorithm::TILE;
  const Host &host;
  const Tiles tiles;
  const Taps taps;
  const Squares<const float> windows;
  const Finish finish;
  const Squares<float> results;
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
    float *planes = host.scratch(PLANES, PLANES_OF_POINTS * inPlane);
    float *products = host.scratch(OUTPUTS, PLANES_OF_POINTS * outPlane);
    transformPixels<Algorithm::WINDOW, POINTS>(Algorithm::input, tiles, first, count, windows,
                                               zeros(host, ZEROS, inputs()), planes, inPlane);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const float *factors = packed + factorPlane<Algorithm>(p) * apart(inputs() * outputs());
      for (long o = 0; o < outputs(); o += panel) {
        multiply(count, panel, inputs(), planes + p * inPlane, {inRow, 1},
                 factors + o * inputs(), panel, products + p * outPlane + o, outRow, false);
      }
    }
    writeResults(first, count, products, outRow, outPlane);
  }

  // Transforms products of some tiles back, and finishes them.
  void writeResults(long first, long count, const float *products, long outRow, long outPlane) const {
    float *outside = host.scratch(ZEROS, outputs());
    for (long t = 0; t < count; t++) {
      float *pixel[TILE * TILE];
      results.template pixels<TILE>(tiles.place(first + t), outside, pixel);
      for (long o = 0; o < outputs(); o += WIDTH) {
        Vector in[POINTS][POINTS], out[TILE][TILE];
#pragma GCC unroll 16
        for (int i = 0; i < POINTS; i++)
#pragma GCC unroll 16
          for (int j = 0; j < POINTS; j++) in[i][j] = load(products + (i * POINTS + j) * outPlane + t * outRow + o);
        onBothSides<POINTS, TILE>(Algorithm::output, in, out);
        finished(out, pixel, outside, o);
#pragma GCC unroll 64
        for (int i = 0; i < TILE * TILE; i++) store(pixel[i] + o, out[i / TILE][i % TILE]);
      }
    }
  }

  inline void finished(Vector (&out)[TILE][TILE], float *const (&pixel)[TILE * TILE], const float *outside,
                       long channel) const {
    if (finish.bias != nullptr) {
      const Vector bias = load(finish.bias + channel);
#pragma GCC unroll 64
      for (int i = 0; i < TILE * TILE; i++) out[i / TILE][i % TILE] += bias;
    }
    if (finish.image != nullptr) {
      for (int i = 0; i < TILE * TILE; i++) {
        if (pixel[i] != outside) out[i / TILE][i % TILE] += beside(finish.image, pixel[i], channel);
      }
    }
    if (finish.relu) {
#pragma GCC unroll 64
      for (int i = 0; i < TILE * TILE; i++) {
        const Vector value = out[i / TILE][i % TILE];
        out[i / TILE][i % TILE] = value < 0 ? Vector{} : value;  // a NaN stays one
      }
    }
    if (finish.features != nullptr) {
      for (int i = 0; i < TILE * TILE; i++) {
        if (pixel[i] == outside) continue;
        const Vector passed = beside(finish.features, pixel[i], channel) > 0 ? Vector{} + 1 : Vector{};
        out[i / TILE][i % TILE] *= passed;
      }
    }
  }

  // What another image of the results' shape has where a pixel is.
  Vector beside(const float *image, const float *pixel, long channel) const {
    return load(image + (pixel - results.images) + channel);
  }

  void run() {
    constexpr long FACTORS = Algorithm::FACTORS;
    packed = host.scratch(PACKED, FACTORS * FACTORS * apart(inputs() * outputs()));
    Packing<Algorithm>{taps, packed}.run(host);
    const long perTile = PLANES_OF_POINTS * (inputs() + outputs()) * long{sizeof(float)};
    const long most = larger(ROWS, smaller(TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = parts(parts(tiles.count(), most), host.threads) * host.threads;
    each<Forward, &Forward::task>(host, tasks, *this);
  }
};

template <typename Algorithm>
void forward(const Host &host, const Convolution &conv, const float *x, const float *filter, Finish finish, float *y) {
  const long height = parts(conv.h, conv.stride), width = parts(conv.w, conv.stride);
  Forward<Algorithm>{host,
                     cut<Algorithm>(conv.n, height, width),
                     {filter, conv.inputs, conv.outputs, false},
                     windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                     finish,
                     tilesOf<Algorithm>(y, height, width, conv.outputs)}
      .run();
}

template <typename Algorithm>
void inputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy, Finish finish,
                   float *dx) {
  using Gradient = typename Algorithm::Gradient;
  Forward<Gradient>{host,
                    cut<Gradient>(conv.n, conv.h, conv.w),
                    {filter, conv.outputs, conv.inputs, true},
                    windowsOf<Gradient>(dy, parts(conv.h, conv.stride), parts(conv.w, conv.stride), conv.outputs),
                    finish,
                    tilesOf<Gradient>(dx, conv.h, conv.w, conv.inputs)}
      .run();
}

}  // namespace
}  // namespace pefd
