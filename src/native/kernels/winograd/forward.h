// Winograd convolution: forward, and dgrad with transposed weights.
#pragma once

#include "../common.h"
#include "../gemm.h"
#include "../kernels.h"
#include "output_transform.h"
#include "packed_weights.h"
#include "tiles.h"

namespace pefd {
namespace {

// Bytes of transformed tiles of a task.
constexpr long TASK_BYTES = 1 << 20;

template <typename Algorithm, typename Number>
struct Forward {
  static constexpr int POINTS = Algorithm::POINTS, PLANES_OF_POINTS = POINTS * POINTS;
  static constexpr int PLANES_OF_FACTORS = Algorithm::FACTORS * Algorithm::FACTORS;
  const Host &host;
  const Taps taps;
  const TileWindows<const Number> windows;
  const TileResults<Algorithm, Number> results;
  long tasks = 0;
  float *packed = nullptr;
  const Number *zeros = nullptr;
  // Per thread: transformed tiles, their products, and a pixel for writes outside of the image.
  WorkerMemory planes = {}, sums = {}, discarded = {};

  const Tiling &tiling() const { return results.tiling; }
  long inputs() const { return taps.rows; }
  long outputs() const { return taps.columns; }

  // Input transform, GEMMs and output transform of some tiles.
  void tiles(long index, long worker) const {
    const TileTask task{index, tasks};
    const long first = task.first(tiling().count()), count = task.count(tiling().count());
    if (count == 0) return;
    const long inRow = strideOf(inputs()), outRow = strideOf(outputs()), panel = panelOf(outputs());
    const long inPlane = strideOf(count * inRow), outPlane = strideOf(count * outRow);
    float *transformed = planes.of(worker), *product = sums.of(worker);
    transformTiles<Algorithm::WINDOW, POINTS>(Algorithm::input, tiling(), first, count, windows, zeros, transformed,
                                              inPlane);
    TilePrefetch prefetch = results.prefetch(windows, task, outputs() / panel * ceilDivide(count, ROWS));
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      const float *factors = packed + factorPlane<Algorithm>(p) * strideOf(inputs() * outputs());
      for (long o = 0; o < outputs(); o += panel) {
        gemm(count, panel, inputs(), transformed + p * inPlane, {inRow, 1}, factors + o * inputs(), panel,
             product + p * outPlane + o, outRow, false, prefetch);
      }
    }
    const Products products{product, outRow, outPlane, 0, outputs()};
    results.write(first, count, products, reinterpret_cast<Number *>(discarded.of(worker)));
  }

  Outcome run() {
    const long perTile = PLANES_OF_POINTS * (inputs() + outputs()) * long{sizeof(float)};
    const long most = max(ROWS, min(TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = ceilDivide(ceilDivide(tiling().count(), most), host.workers) * host.workers;
    packed = scratch(host, PACKED, PLANES_OF_FACTORS * strideOf(inputs() * outputs()));
    zeros = zerosScratch<Number>(host, inputs());
    planes = workerScratch(host, PLANES, PLANES_OF_POINTS * strideOf(most * strideOf(inputs())));
    sums = workerScratch(host, PRODUCTS, PLANES_OF_POINTS * strideOf(most * strideOf(outputs())));
    discarded = workerScratch(host, DISCARDED, outputs());
    if (!packed || !zeros || !planes.memory || !sums.memory || !discarded.memory) return Outcome::OUT_OF_MEMORY;
    Packing<Algorithm>{taps, packed}.run(host);
    parallelFor<Forward, &Forward::tiles>(host, tasks, *this);
    return Outcome::DONE;
  }
};

// Forward by a kernel template (float32 or int16): a struct of host, taps, windows and results.
template <template <typename, typename> class Kernel, typename Algorithm, typename Number>
Outcome forward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                EpilogueOf<Number> epilogue, Number *y) {
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return Kernel<Algorithm, Number>{host,
                                   {filter, conv.inputs, conv.outputs, false},
                                   windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                                   resultsOf<Algorithm>(conv.n, height, width, conv.outputs, epilogue, y)}
      .run();
}

// dgrad, likewise.
template <template <typename, typename> class Kernel, typename Algorithm, typename Number>
Outcome inputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                      EpilogueOf<Number> epilogue, Number *dx) {
  using Gradient = typename Algorithm::InputGradient;
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return Kernel<Gradient, Number>{host,
                                  {filter, conv.outputs, conv.inputs, true},
                                  windowsOf<Gradient>(dy, height, width, conv.outputs),
                                  resultsOf<Gradient>(conv.n, conv.h, conv.w, conv.inputs, epilogue, dx)}
      .run();
}

}  // namespace
}  // namespace pefd
