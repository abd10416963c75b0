// Winograd wgrad: both operands transformed, GEMMs over tiles, and the sums transformed back.
#pragma once

#include "../common.h"
#include "../gemm.h"
#include "../kernels.h"
#include "packed_weights.h"
#include "tiles.h"

namespace pefd {
namespace {

template <typename Algorithm>
struct FilterTaps {
  static constexpr int FACTORS = Algorithm::FACTORS, KERNEL = Algorithm::KERNEL;
  const long inputs, outputs;
  float *const dfilter;

  // Stride of planes.
  long plane() const { return strideOf(inputs * outputs); }

  // Transforms one or several sums of [FACTORS * FACTORS][inputs][outputs] back to taps.
  void transformBack(const Host &host, const WorkerMemory &sums, long count = 1) const {
    const Planes planes{*this, sums, count};
    parallelFor<Planes, &Planes::input>(host, inputs, planes);
  }

  Outcome zero() const {
    for (long i = 0; i < KERNEL * KERNEL * inputs * outputs; i++) dfilter[i] = 0;
    return Outcome::DONE;
  }

 private:
  struct Planes {
    const FilterTaps &taps;
    const WorkerMemory sums;
    const long count;

    Vector sum(long place) const {
      Vector all = load(sums.of(0) + place);
      for (long i = 1; i < count; i++) all += load(sums.of(i) + place);
      return all;
    }

    // The taps of one input channel.
    void input(long input, long /*worker*/) const {
      const long tap = taps.inputs * taps.outputs;
      for (long o = 0; o < taps.outputs; o += WIDTH) {
        const long place = input * taps.outputs + o;
        float *to = taps.dfilter + place;
        onBothAxes<FACTORS, KERNEL>(
            Algorithm::filterTransposed, [&](int i, int j) { return sum(place + (i * FACTORS + j) * taps.plane()); },
            [&](int i, const Vector(&row)[KERNEL]) {
#pragma GCC unroll 16
              for (int j = 0; j < KERNEL; j++) store(to + (i * KERNEL + j) * tap, row[j]);
            });
      }
    }
  };
};

// Bytes of transformed tiles that are multiplied at once.
constexpr long GROUP_BYTES = 8 << 20;
// Tiles of such a group, at least.
constexpr long GROUP_TILES = 32;
// Tiles that one task transforms.
constexpr long TASK_TILES = 8;
// Input channels whose products one task sums.
constexpr long TASK_INPUTS = 32;

template <typename Algorithm>
struct FilterGradient {
  static constexpr int POINTS = Algorithm::POINTS, FACTORS = Algorithm::FACTORS;
  static constexpr int PLANES_OF_POINTS = POINTS * POINTS, PLANES_OF_FACTORS = FACTORS * FACTORS;
  const Host &host;
  const Tiling tiling;
  const TileWindows<const float> x, dy;
  const FilterTaps<Algorithm> taps;
  const float *zeros = nullptr;
  float *planes = nullptr, *gradients = nullptr, *sums = nullptr;
  // The current group.
  long first = 0, count = 0;

  long inputs() const { return x.channels; }
  long outputs() const { return dy.channels; }
  long inRow() const { return strideOf(inputs()); }
  long outRow() const { return strideOf(outputs()); }
  long inPlane() const { return strideOf(count * inRow()); }
  long outPlane() const { return strideOf(count * outRow()); }
  long sumPlane() const { return taps.plane(); }
  // GEMM tasks: one per weight plane and TASK_INPUTS input channels.
  long products() const { return PLANES_OF_FACTORS * ceilDivide(inputs(), TASK_INPUTS); }

  void transform(long index, long /*worker*/) const {
    const long from = index * TASK_TILES, size = min(TASK_TILES, count - from);
    fetch<Algorithm::TILE>(dy, from, size);
    transformTiles<Algorithm::WINDOW, POINTS>(Algorithm::input, tiling, first + from, size, x, zeros,
                                              planes + from * inRow(), inPlane());
    fetch<Algorithm::WINDOW>(x, from + TASK_TILES, size);
    transformTiles<Algorithm::TILE, POINTS>(Algorithm::outputTransposed, tiling, first + from, size, dy, zeros,
                                            gradients + from * outRow(), outPlane());
  }

  // Prefetches some tiles of the group.
  template <int SIZE>
  void fetch(const TileWindows<const float> &windows, long from, long size) const {
    for (long t = from; t < min(from + size, count); t++) {
      const float *pixel[SIZE * SIZE];
      windows.template pixels<SIZE>(tiling.place(first + t), zeros, pixel);
      windows.template fetch<SIZE>(pixel, 0, windows.channels);
    }
  }

  // One weight plane and some input channels, summed over all input planes that meet it.
  void product(long index, long /*worker*/) const {
    const long blocks = ceilDivide(inputs(), TASK_INPUTS), factors = index / blocks, c = index % blocks * TASK_INPUTS;
    const long panel = panelOf(outputs());
    bool accumulate = first > 0;
    const long steps = pointsOf<Algorithm>(factors) * (outputs() / panel) * ceilDivide(TASK_INPUTS, ROWS);
    WgradPrefetch prefetch{{rowsOf(x, tiling, first + count, count, Algorithm::WINDOW).part(index, products()), steps},
                           {rowsOf(dy, tiling, first + count, count, Algorithm::TILE).part(index, products()), steps}};
    for (long p = 0; p < PLANES_OF_POINTS; p++) {
      if (factorPlane<Algorithm>(p) != factors) continue;
      for (long o = 0; o < outputs(); o += panel) {
        gemm(min(TASK_INPUTS, inputs() - c), panel, count, planes + p * inPlane() + c, {1, inRow()},
             gradients + p * outPlane() + o, outRow(), sums + factors * sumPlane() + c * outputs() + o, outputs(),
             accumulate, prefetch);
      }
      accumulate = true;
    }
  }

  Outcome run() {
    if (tiling.count() == 0) return taps.zero();
    // Depends on shapes alone, and so does the reduction order.
    const long perTile = PLANES_OF_POINTS * (inputs() + outputs()) * long{sizeof(float)};
    const long groups = ceilDivide(tiling.count(), max(GROUP_TILES, GROUP_BYTES / perTile));
    const long most = ceilDivide(tiling.count(), groups);
    zeros = zerosScratch(host, max(inputs(), outputs()));
    planes = scratch(host, PLANES, PLANES_OF_POINTS * strideOf(most * inRow()));
    gradients = scratch(host, GRADIENTS, PLANES_OF_POINTS * strideOf(most * outRow()));
    sums = scratch(host, SUMS, PLANES_OF_FACTORS * sumPlane());
    if (!zeros || !planes || !gradients || !sums) return Outcome::OUT_OF_MEMORY;
    for (long g = 0; g < groups; g++) {
      first = tiling.count() * g / groups;
      count = tiling.count() * (g + 1) / groups - first;
      parallelFor<FilterGradient, &FilterGradient::transform>(host, ceilDivide(count, TASK_TILES), *this);
      parallelFor<FilterGradient, &FilterGradient::product>(host, products(), *this);
    }
    taps.transformBack(host, {sums, 0});
    return Outcome::DONE;
  }
};

template <typename Algorithm>
Outcome filterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  const long height = ceilDivide(conv.h, conv.stride), width = ceilDivide(conv.w, conv.stride);
  return FilterGradient<Algorithm>{host,
                                   tilingOf<Algorithm>(conv.n, height, width),
                                   windowsOf<Algorithm>(x, conv.h, conv.w, conv.inputs),
                                   tilesOf<Algorithm>(dy, height, width, conv.outputs),
                                   {conv.inputs, conv.outputs, dfilter}}
      .run();
}

}  // namespace
}  // namespace pefd
