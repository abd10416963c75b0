// What the convolution kernels offer, and what they need of whoever runs them. The kernels are compiled once per
// instruction set (kernels.cc), so this header holds plain data only: an inline function of the standard library
// compiled for one instruction set could end up in the place of another's.
#pragma once

namespace pefd {

// A 3x3 convolution of stride 1 and padding 1 on all sides: [n, h, w, inputs] to [n, h, w, outputs]; the filter is
// [3, 3, inputs, outputs]. Both channel counts are multiples of CHANNELS.
struct Convolution {
  long n, h, w, inputs, outputs;
};

constexpr long CHANNELS = 16;

// What the forward pass does with a result before it is written: adds a bias per channel, then another image of the
// same shape, then cuts off what is negative. The same roundings as one op after the other.
struct Finish {
  const float *bias = nullptr;
  const float *image = nullptr;
  bool relu = false;
};

using Task = void (*)(void *context, long index);

// Threads and memory. `parallel` runs task(context, i) for every i below count, in any order and on several threads,
// and returns when all are done. `scratch` is memory of the calling thread that lasts until the same slot is asked for
// again.
struct Host {
  long threads;
  void (*parallel)(long count, Task task, void *context);
  float *(*scratch)(int slot, long floats);
};

constexpr int SLOTS = 8;

struct Kernels {
  // y = convolution of x with the filter, finished
  void (*forward)(const Host &, const Convolution &, const float *x, const float *filter, Finish, float *y);
  // gradient of x from that of y
  void (*inputGradient)(const Host &, const Convolution &, const float *filter, const float *dy, float *dx);
  // gradient of the filter from that of y
  void (*filterGradient)(const Host &, const Convolution &, const float *x, const float *dy, float *dfilter);
};

// One per instruction set that kernels.cc is compiled for.
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;

}  // namespace pefd
