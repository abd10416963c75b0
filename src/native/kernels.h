// What the kernels offer, and what they need of whoever runs them. They are compiled once per instruction set
// (kernels.cc), so this header holds plain data only: an inline function that several files share, compiled for one
// instruction set, could end up in the place of another's.
#pragma once

namespace pefd {

// A convolution from [n, h, w, inputs] to [n, ceil(h / stride), ceil(w / stride), outputs]; the filter is [kernel,
// kernel, inputs, outputs]. The kernel is 3, with padding 1 on all sides, or 1, without; the stride is 1 or 2. Both
// channel counts are multiples of CHANNELS.
struct Convolution {
  long n, h, w, inputs, outputs, kernel, stride;
};

constexpr long CHANNELS = 16;

// What is done with a result before it is written: a bias per channel is added, then another image of the same shape;
// then what is negative is cut off, or, in a gradient, what ReLU has cut off of `features`. The same roundings as one
// op after the other. The image may lie where the result will.
struct Finish {
  const float *bias = nullptr;
  const float *image = nullptr;
  bool relu = false;
  const float *features = nullptr;
};

// Arithmetic on one element after the other, as a list of instructions. Registers are the inputs, then the results of
// the instructions in their order. The codes' order is that of CODES in src/compile/fusedElementwise.ts.
enum Code : long { ADD, SUBTRACT, MULTIPLY, RELU, RELU_GRADIENT };

struct Instruction {
  long code, a, b;
};

struct Elementwise {
  // Elements of every input and output; an input that `isScalar` has one.
  long count;
  long inputs, instructions, outputs;
  const float *const *input;
  const bool *isScalar;
  const Instruction *instruction;
  // The register that each output takes.
  const long *result;
  float *const *output;
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

// Slots of scratch memory, and how many there are.
enum Slot { PACKED, SUMS, GRADIENTS, PLANES, OUTPUTS, ZEROS, ELEMENTS, SLOTS };

struct Kernels {
  // y = convolution of x with the filter, finished
  void (*forward)(const Host &, const Convolution &, const float *x, const float *filter, Finish, float *y);
  // gradient of x from that of y, finished
  void (*inputGradient)(const Host &, const Convolution &, const float *filter, const float *dy, Finish, float *dx);
  // gradient of the filter from that of y
  void (*filterGradient)(const Host &, const Convolution &, const float *x, const float *dy, float *dfilter);
  // each instruction rounds once, as TensorFlow's op for it does
  void (*elementwise)(const Host &, const Elementwise &);
};

// One per instruction set that kernels.cc is compiled for.
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;

}  // namespace pefd
