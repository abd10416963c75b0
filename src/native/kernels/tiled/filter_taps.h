// The gradient of a filter's taps from that of their transform.
#pragma once

#include "../common.h"
#include "../kernels.h"
#include "tiles.h"

namespace pefd {
namespace {

template <typename Algorithm>
struct FilterTaps {
  static constexpr int FACTORS = Algorithm::FACTORS, KERNEL = Algorithm::KERNEL;
  const long inputs, outputs;
  float *const dfilter;

  // Floats from one plane of sums to the next.
  long plane() const { return strideOf(inputs * outputs); }

  // Of sums in FACTORS * FACTORS planes of [inputs][outputs], or of several such sums.
  void transformBack(const Host &host, const WorkerMemory &sums, long count = 1) const {
    const Planes planes{*this, sums, count};
    parallelFor<Planes, &Planes::input>(host, inputs, planes);
  }

  // No tiles, no gradient.
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

}  // namespace
}  // namespace pefd
