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
  static constexpr int PLANES_OF_FACTORS = Algorithm::FACTORS * Algorithm::FACTORS;
  const Host &host;
  const Tiling tiling;
  const Taps taps;
  const Squares<const float> windows;
  const Epilogue epilogue;
  const Squares<float> results;
  long tasks = 0;
  float *packed = nullptr;
  const float *zeros = nullptr;
  // Of each worker: transformed tiles, their products with the taps, and a pixel that is written outside of images.
  WorkerMemory planes = {}, products = {}, discarded = {};

  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }

  // Some tiles from images to images.
  void tiles(long index, long worker) const {
    const long first = tiling.count() * index / tasks, count = tiling.count() * (index + 1) / tasks - first;
    if (count == 0) return;
    const long inRow = strideOf(inputs()), outRow = strideOf(outputs()), panel = panelOf(outputs());
    const long inPlane = strideOf(count * inRow), outPlane = strideOf(count * outRow);
    float *transformed = planes.of(worker), *product = products.of(worker);
    transformSquares<Algorithm::WINDOW, POINTS>(Algorithm::input, tiling, first, count, windows, zeros, transformed,
                                                inPlane);
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const float *factors = packed + factorPlane<Algorithm>(p) * strideOf(inputs() * outputs());
      for (long o = 0; o < outputs(); o += panel) {
        multiply(count, panel, inputs(), transformed + p * inPlane, {inRow, 1}, factors + o * inputs(), panel,
                 product + p * outPlane + o, outRow, false);
      }
    }
    writeResults(first, count, product, outRow, outPlane, discarded.of(worker));
  }

  // Transforms products of some tiles back, and does what follows.
  void writeResults(long first, long count, const float *product, long outRow, long outPlane, float *outside) const {
    for (long t = 0; t < count; t++) {
      float *pixel[TILE * TILE];
      results.template pixels<TILE>(tiling.place(first + t), outside, pixel);
      for (long o = 0; o < outputs(); o += WIDTH) {
        Vector in[POINTS][POINTS], out[TILE][TILE];
#pragma GCC unroll 16
        for (int i = 0; i < POINTS; i++)
#pragma GCC unroll 16
          for (int j = 0; j < POINTS; j++) in[i][j] = load(product + (i * POINTS + j) * outPlane + t * outRow + o);
        onBothAxes<POINTS, TILE>(Algorithm::output, in, out);
        applyEpilogue(out, pixel, outside, o);
#pragma GCC unroll 64
        for (int i = 0; i < TILE * TILE; i++) store(pixel[i] + o, out[i / TILE][i % TILE]);
      }
    }
  }

  inline void applyEpilogue(Vector (&out)[TILE][TILE], float *const (&pixel)[TILE * TILE], const float *outside,
                            long channel) const {
    if (epilogue.bias != nullptr) {
      const Vector bias = load(epilogue.bias + channel);
#pragma GCC unroll 64
      for (int i = 0; i < TILE * TILE; i++) out[i / TILE][i % TILE] += bias;
    }
    if (epilogue.image != nullptr) {
      for (int i = 0; i < TILE * TILE; i++) {
        if (pixel[i] != outside) out[i / TILE][i % TILE] += beside(epilogue.image, pixel[i], channel);
      }
    }
    if (epilogue.relu) {
#pragma GCC unroll 64
      for (int i = 0; i < TILE * TILE; i++) {
        const Vector value = out[i / TILE][i % TILE];
        out[i / TILE][i % TILE] = value < 0 ? Vector{} : value;  // a NaN stays one
      }
    }
    if (epilogue.features != nullptr) {
      for (int i = 0; i < TILE * TILE; i++) {
        if (pixel[i] == outside) continue;
        const Vector passed = beside(epilogue.features, pixel[i], channel) > 0 ? Vector{} + 1 : Vector{};
        out[i / TILE][i % TILE] *= passed;
      }
    }
  }

  // What another image of the results' shape has where a pixel is.
  Vector beside(const float *image, const float *pixel, long channel) const {
    return load(image + (pixel - results.images) + channel);
  }

  Outcome run() {
    const long perTile = PLANES_OF_POINTS * (inputs() + outputs()) * long{sizeof(float)};
    const long most = max(ROWS, min(TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(tiling.count(), most), host.workers) * host.workers;
    packed = host.scratch(host.self, PACKED, PLANES_OF_FACTORS * strideOf(inputs() * outputs()));
    zeros = zerosScratch(host, inputs());
    planes = workerScratch(host, PLANES, PLANES_OF_POINTS * strideOf(most * strideOf(inputs())));
    products = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(most * strideOf(outputs())));
    discarded = workerScratch(host, DISCARDED, outputs());
    if (!packed || !zeros || !planes.memory || !products.memory || !discarded.memory) return Outcome::OUT_OF_MEMORY;
    Packing<Algorithm>{taps, packed}.run(host);
    parallelFor<Forward, &Forward::tiles>(host, tasks, *this);
    return Outcome::DONE;
  }
};

template <typename Algorithm>
Outcome forward(const Host &host, const Convolution &conv, const float *x, const float *filter, Epilogue epilogue,
                float *y) {
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return Forward<Algorithm>{host,
                            tilingOf<Algorithm>(conv.n, height, width),
                            {filter, conv.inputs, conv.outputs, false},
                            windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                            epilogue,
                            tilesOf<Algorithm>(y, height, width, conv.outputs)}
      .run();
}

template <typename Algorithm>
Outcome inputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy,
                      Epilogue epilogue, float *dx) {
  using Gradient = typename Algorithm::InputGradient;
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return Forward<Gradient>{host,
                           tilingOf<Gradient>(conv.n, conv.h, conv.w),
                           {filter, conv.outputs, conv.inputs, true},
                           windowsOf<Gradient>(dy, height, width, conv.outputs),
                           epilogue,
                           tilesOf<Gradient>(dx, conv.h, conv.w, conv.inputs)}
      .run();
}

}  // namespace
}  // namespace pefd
