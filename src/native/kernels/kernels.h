// The interface of the kernels, and of the host that runs them. Plain data only: kernels are compiled once per
// instruction set, and the linker would keep only one copy, from an arbitrary instruction set, of a shared inline function.
#pragma once

namespace pefd {

// A convolution from [n, h, w, inputs] to [n, ceil(h / stride), ceil(w / stride), outputs] with a filter [kernel,
// kernel, inputs / groups, outputs]. Kernel 3 with padding 1 or kernel 1 without, stride 1 or 2, both channel counts
// positive multiples of CHANNELS, one group. With kernel 1 and stride 1: any positive multiples of any number of
// groups. n, h and w may be zero.
struct Convolution {
  long n, h, w, inputs, outputs, kernel, stride, groups = 1;
};

constexpr long CHANNELS = 16;

// A depthwise convolution from [n, h, w, channels] to [n, ceil(h / stride), ceil(w / stride), channels] with a filter
// [3, 3, channels], padding 1 and stride 1 or 2. channels is positive; n, h and w may be zero.
struct Depthwise {
  long n, h, w, channels, stride;
};

// A batch of matrices [rows, columns].
struct Matrices {
  long count, rows, columns;
};

// Sizes of a batch normalisation, both positive.
struct Normalization {
  long pixels, channels;
};

// Mean, unbiased variance, and 1 / sqrt(biased variance + epsilon) of each channel.
struct ChannelStatistics {
  float *mean, *variance, *inverse;
};

typedef unsigned short Bfloat16;

// The fused epilogue: adds a bias per channel, then an image of the output's shape; then ReLU, or, in dgrad, ReLU's
// gradient at `features`. The roundings are those of the unfused ops. The image may alias the output. With bfloat16
// activations all is float32, rounded once, when it is stored.
template <typename Number>
struct EpilogueOf {
  const float *bias = nullptr;
  const Number *image = nullptr;
  bool relu = false;
  const Number *features = nullptr;
};
using Epilogue = EpilogueOf<float>;

// A program of elementwise instructions. Registers are the inputs, then the instructions' results.
enum Opcode : long { ADD, SUBTRACT, MULTIPLY, RELU, RELU_GRADIENT, OPCODES };

// TensorFlow's op for each opcode; src/compile reads the codes from here (test/native compares them).
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
  // The register of each output: an instruction's, since an output may alias an input.
  const long *result;
  Number *const *output;
};

// Resampling weights along one axis: output i is the sum of taps[i] pixels from first[i] on, times weights[i * most
// ...], in units of 2^-WEIGHT_BITS, rounded.
struct Axis {
  long count, most;
  const long *first, *taps;
  const int *weights;
};

constexpr int WEIGHT_BITS = 22;

// A resize of an image [rows, width, 3] of bytes: horizontally, rounded to bytes, then vertically; neither first[i] may
// decrease. Mirrored, the last column comes first.
struct Resize {
  const unsigned char *image;
  long width;
  Axis across, down;
  bool isMirrored;
  // Buffers of `resizeLines` and `resizeBetween` bytes.
  unsigned char *lines, *between;
  // [down.count, across.count, 3]
  unsigned char *result;
};

// Bytes of a row of `count` pixels that may be read and written in whole vectors.
constexpr long PADDED = 32;
constexpr long paddedRow(long count) { return (3 * count + 2 * PADDED - 1) / PADDED * PADDED; }
constexpr long resizeLines(long width) { return 2 * paddedRow(width); }
constexpr long resizeBetween(long rows, long count) { return (rows + 1) * paddedRow(count); }

// A task; `worker` is the index of its thread, below the host's number of workers.
using Task = void (*)(void *context, long index, long worker) noexcept;

// Blocks of scratch memory.
enum Slot {
  PACKED,
  SUMS,
  GRADIENTS,
  PLANES,
  PRODUCTS,
  ZEROS,
  DISCARDED,
  REGISTERS,
  WEIGHT_SCALES,
  ACTIVATION_SCALES,
  GRADIENT_SCALES,
  UNQUANTIZED,
  ONCE_FLAGS,
  ROW_NORMS,
  SLOTS
};

// Equal parts of a block, `apart` floats from each other; null if there is no memory.
struct Parts {
  float *first;
  long apart;
};

// Threads and memory.
struct Host {
  // Threads, including the caller's.
  long workers;
  // Runs task(context, i, worker) for every i below count, in any order, and waits. No two concurrent tasks have the
  // same worker.
  void (*parallelFor)(void *self, long count, Task task, void *context) noexcept;
  // Parts of at least so many floats, aligned to cache lines, valid until the slot is asked for again.
  Parts (*scratch)(void *self, Slot slot, long parts, long floats) noexcept;
  void *self;
};

// DONE_IN_FLOAT32: int16 was asked for, and some images fell back to float32 (int16/float32_fallback.h). Out of memory,
// nothing was written: memory is allocated before the first task, or before the first task of the fallback.
enum class Outcome { DONE, DONE_IN_FLOAT32, OUT_OF_MEMORY };

// A convolution, its dgrad and its wgrad.
template <typename Number>
struct ConvolutionKernelsOf {
  // y = epilogue(convolution of x)
  Outcome (*forward)(const Host &, const Convolution &, const Number *x, const float *filter, EpilogueOf<Number>,
                     Number *y);
  // dx = epilogue(dgrad)
  Outcome (*inputGradient)(const Host &, const Convolution &, const float *filter, const Number *dy, EpilogueOf<Number>,
                           Number *dx);
  // wgrad
  Outcome (*filterGradient)(const Host &, const Convolution &, const Number *x, const Number *dy, float *dfilter);
};
using ConvolutionKernels = ConvolutionKernelsOf<float>;

// The kernels that exist for float32 and for bfloat16 activations.
template <typename Number>
struct ImageKernels : ConvolutionKernelsOf<Number> {
  // the stem: a 3x3 convolution of float32 images with any channel counts, and its wgrad
  Outcome (*stemForward)(const Host &, const Convolution &, const float *x, const float *filter, EpilogueOf<Number>,
                         Number *y);
  Outcome (*stemFilterGradient)(const Host &, const Convolution &, const float *x, const Number *dy, float *dfilter);
  // batch normalisation in training and its epilogue; y may alias x
  Outcome (*batchNorm)(const Host &, const Normalization &, const Number *x, const float *scale, const float *offset,
                       float epsilon, EpilogueOf<Number>, Number *y, const ChannelStatistics &);
  // its gradients; dx may alias dy or x
  Outcome (*batchNormGradient)(const Host &, const Normalization &, const Number *dy, const Number *x,
                               const float *scale, const float *mean, const float *inverse, Number *dx, float *dscale,
                               float *doffset);
  // each instruction rounds once, like TensorFlow's op
  Outcome (*elementwise)(const Host &, const ElementwiseOf<Number> &);
};

struct Kernels : ImageKernels<float> {
  Outcome (*depthwiseForward)(const Host &, const Depthwise &, const float *x, const float *filter, float *y);
  Outcome (*depthwiseInputGradient)(const Host &, const Depthwise &, const float *filter, const float *dy, float *dx);
  Outcome (*depthwiseFilterGradient)(const Host &, const Depthwise &, const float *x, const float *dy, float *dfilter);
  // each matrix transposed
  void (*transposeLastAxes)(const Host &, const Matrices &, const float *from, float *to);
  // Pillow's bilinear resize, bit for bit, in the calling thread
  void (*resize)(const Resize &);
};

// One per instruction set that kernels.cc is compiled for.
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;

// Convolutions in reduced precision, for one group and channel counts that are multiples of CHANNELS, from and to
// float32 activations. Null if the compiler does not know the instructions.
//
// AMX: bfloat16 operands, float32 accumulators.
extern const ConvolutionKernels *const amxKernels;
// AVX-512 VNNI: operands quantized to int16, int32 accumulators; float32 where channel scales spread too far.
extern const ConvolutionKernels *const vnniKernels;
// The same with bfloat16 activations, for CPUs with AVX512-BF16.
extern const ImageKernels<Bfloat16> *const amxBfloat16Kernels;
extern const ImageKernels<Bfloat16> *const vnniBfloat16Kernels;

}  // namespace pefd
