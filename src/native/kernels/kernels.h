// What the kernels offer, and what they need of whoever runs them. They are compiled once per instruction set
// (kernels.cc), so this header holds plain data only: an inline function that several files share, compiled for one
// instruction set, could end up in the place of another's.
#pragma once

namespace pefd {

// A convolution from [n, h, w, inputs] to [n, ceil(h / stride), ceil(w / stride), outputs]; the filter is [kernel,
// kernel, inputs / groups, outputs]: each group of inputs makes the outputs of the same place. The kernel is 3, with
// padding 1 on all sides, or 1, without; the stride is 1 or 2. Both channel counts are positive multiples of CHANNELS,
// and there is one group; but with kernel 1 and stride 1 they may be any positive multiples of any number of groups.
// Any of n, h and w may be zero.
struct Convolution {
  long n, h, w, inputs, outputs, kernel, stride, groups = 1;
};

constexpr long CHANNELS = 16;

// A convolution from [n, h, w, channels] to [n, ceil(h / stride), ceil(w / stride), channels] with a filter [3, 3,
// channels], one for each channel, and padding 1 on all sides; the stride is 1 or 2. There are channels, but any of n,
// h and w may be zero.
struct Depthwise {
  long n, h, w, channels, stride;
};

// Matrices [rows, columns], one behind the other.
struct Matrices {
  long count, rows, columns;
};

// Images as their pixels, which have some channels each. There is at least one of both.
struct Normalization {
  long pixels, channels;
};

// What a batch says of each channel: its mean, its variance (divided by one less than there are pixels), and the
// inverse of its standard deviation (divided by as many, with epsilon).
struct ChannelStatistics {
  float *mean, *variance, *inverse;
};

// A number of 16 bits: the upper half of a float's.
typedef unsigned short Bfloat16;

// What is done with a result before it is written: a bias per channel is added, then another image of the same shape;
// then what is negative becomes zero, or, in a gradient, what ReLU has made zero in `features`. The same roundings as
// one op after the other. The image may lie where the result will. Where images are made of narrower numbers than
// floats, all is done in float32, and rounded once, when it is written.
template <typename Number>
struct EpilogueOf {
  const float *bias = nullptr;
  const Number *image = nullptr;
  bool relu = false;
  const Number *features = nullptr;
};
using Epilogue = EpilogueOf<float>;

// Arithmetic on one element after the other, as a list of instructions. Registers are the inputs, then the results of
// the instructions in their order.
enum Opcode : long { ADD, SUBTRACT, MULTIPLY, RELU, RELU_GRADIENT, OPCODES };

// TensorFlow's op for each opcode; src/compile takes the codes from here (test/native compares them).
constexpr const char *OPERATIONS[OPCODES] = {"Add", "Sub", "Mul", "Relu", "ReluGrad"};

struct Instruction {
  long opcode, a, b;
};

template <typename Number>
struct ElementwiseOf {
  // Elements of every input and output; an input that `isScalar` has one.
  long count;
  long inputs, instructions, outputs;
  const Number *const *input;
  const bool *isScalar;
  const Instruction *instruction;
  // The register that each output takes: an instruction's, since an input may have become another output by then.
  const long *result;
  Number *const *output;
};

// What the results along one axis of a resized image are made of: result i is the sum of taps[i] pixels from first[i]
// on, each times a weight in units of 2^-WEIGHT_BITS, rounded. Weights of result i start at weights[i * most].
struct Axis {
  long count, most;
  const long *first, *taps;
  const int *weights;
};

constexpr int WEIGHT_BITS = 22;

// A part of a resized image [rows, width, 3] of bytes: across first, rounded to bytes, then down; neither first[i] may
// decrease. Mirrored, the last column comes first.
struct Resize {
  const unsigned char *image;
  long width;
  Axis across, down;
  bool isMirrored;
  // Memory to work in, of as many bytes as `resizeLines` and `resizeBetween` say.
  unsigned char *lines, *between;
  // [down.count, across.count, 3]
  unsigned char *result;
};

// Bytes of a row of `count` pixels that whole vectors may be read from and written to.
constexpr long PADDED = 32;
constexpr long paddedRow(long count) { return (3 * count + 2 * PADDED - 1) / PADDED * PADDED; }
constexpr long resizeLines(long width) { return 2 * paddedRow(width); }
constexpr long resizeBetween(long rows, long count) { return (rows + 1) * paddedRow(count); }

// One piece of work; `worker` is the number of the thread that does it, below the host's count of them.
using Task = void (*)(void *context, long index, long worker) noexcept;

// Blocks of scratch memory, and how many there are.
enum Slot {
  PACKED,
  SUMS,
  GRADIENTS,
  PLANES,
  PRODUCTS,
  ZEROS,
  DISCARDED,
  REGISTERS,
  FACTOR_UNITS,
  POINT_UNITS,
  GRADIENT_UNITS,
  UNSCALED,
  MADE,
  ROW_SQUARES,
  SLOTS
};

// Memory in parts, each so many floats after the one before; a null pointer where there is none.
struct Parts {
  float *first;
  long apart;
};

// Threads and memory.
struct Host {
  // Threads that tasks may run on, this one included.
  long workers;
  // Runs task(context, i, worker) for every i below count, in any order, and returns when all are done. No two tasks
  // that run at once have the same worker.
  void (*parallelFor)(void *self, long count, Task task, void *context) noexcept;
  // So many parts of at least that many floats, each from a line of the cache on, until the same slot is asked for again.
  Parts (*scratch)(void *self, Slot slot, long parts, long floats) noexcept;
  // Whoever made the host, for its functions.
  void *self;
};

// How a kernel ended. DONE_IN_FLOATS: whole numbers were asked for, and some images needed float32 (int16/spread.h). Where
// memory is short it has written nothing: all of it is asked for before the first task, or, where only some images need float32,
// before the first task of theirs.
enum class Outcome { DONE, DONE_IN_FLOATS, OUT_OF_MEMORY };

// A convolution and its gradients.
template <typename Number>
struct ConvolutionKernelsOf {
  // y = convolution of x with the filter, and what follows
  Outcome (*forward)(const Host &, const Convolution &, const Number *x, const float *filter, EpilogueOf<Number>,
                     Number *y);
  // gradient of x from that of y, and what follows
  Outcome (*inputGradient)(const Host &, const Convolution &, const float *filter, const Number *dy,
                           EpilogueOf<Number>, Number *dx);
  // gradient of the filter from that of y
  Outcome (*filterGradient)(const Host &, const Convolution &, const Number *x, const Number *dy, float *dfilter);
};
using ConvolutionKernels = ConvolutionKernelsOf<float>;

// What images go through on their way between convolutions, too.
template <typename Number>
struct ImageKernels : ConvolutionKernelsOf<Number> {
  // the first convolution of a model: 3x3, of images in float32 with any number of channels, to any; and its gradient
  Outcome (*stemForward)(const Host &, const Convolution &, const float *x, const float *filter, EpilogueOf<Number>,
                         Number *y);
  Outcome (*stemFilterGradient)(const Host &, const Convolution &, const float *x, const Number *dy, float *dfilter);
  // each channel with mean 0 and variance 1, times its scale, plus its offset, and what follows; y may lie where x does
  Outcome (*batchNorm)(const Host &, const Normalization &, const Number *x, const float *scale, const float *offset,
                       float epsilon, EpilogueOf<Number>, Number *y, const ChannelStatistics &);
  // its gradients, from that of y and what it said of the batch; dx may lie where dy or x does
  Outcome (*batchNormGradient)(const Host &, const Normalization &, const Number *dy, const Number *x,
                               const float *scale, const float *mean, const float *inverse, Number *dx, float *dscale,
                               float *doffset);
  // each instruction rounds once, as TensorFlow's op for it does
  Outcome (*elementwise)(const Host &, const ElementwiseOf<Number> &);
};

struct Kernels : ImageKernels<float> {
  // the same of a depthwise convolution
  Outcome (*depthwiseForward)(const Host &, const Depthwise &, const float *x, const float *filter, float *y);
  Outcome (*depthwiseInputGradient)(const Host &, const Depthwise &, const float *filter, const float *dy, float *dx);
  Outcome (*depthwiseFilterGradient)(const Host &, const Depthwise &, const float *x, const float *dy, float *dfilter);
  // each matrix turned round: [count, columns, rows]
  void (*swapLastAxes)(const Host &, const Matrices &, const float *from, float *to);
  // the bytes of Pillow's bilinear resize, in the calling thread
  void (*resize)(const Resize &);
};

// One per instruction set that kernels.cc is compiled for.
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;

// The same convolutions, as far as channels come in multiples of CHANNELS and in one group, with products of 16 bits; results
// are float32. A null pointer where the compiler did not know the instructions.
//
// In bfloat16: images, filters and gradients are rounded to it, and products are summed in float32. For processors with units
// for matrices of bfloat16 (AMX).
extern const ConvolutionKernels *const amxKernels;
// In whole numbers: what is multiplied is rounded to multiples of a unit, and products are summed exactly; in float32 where
// channels are of too different sizes for that. For processors with AVX-512 VNNI.
extern const ConvolutionKernels *const vnniKernels;
// The same two for images in bfloat16, half the memory. For processors that convert to it, too (AVX-512 BF16).
extern const ImageKernels<Bfloat16> *const amxNarrowKernels;
extern const ImageKernels<Bfloat16> *const vnniNarrowKernels;

}  // namespace pefd
