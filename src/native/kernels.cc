// The three passes of a 3x3 convolution by Winograd's algorithm, and elementwise arithmetic. Compiled once per
// instruction set; KERNELS is the name of the result.
#include "kernels.h"

#include "common.h"
#include "elementwise.h"
#include "product.h"
#include "vector.h"
#include "winograd.h"

namespace pefd {
namespace {

// Rows of transformed pixels are kept this much longer than they are, so that rows a power of two apart do not share
// the same lines of a cache.
constexpr long GAP = 16;

// The tiles of M x M pixels that images are cut into, numbered image by image and row by row.
template <int M>
struct Tiles {
  long n, h, w, rows, columns;

  Tiles(long n, long h, long w) : n(n), h(h), w(w), rows(parts(h, M)), columns(parts(w, M)) {}
  long count() const { return n * rows * columns; }

  // One tile: its image and its first pixel.
  struct Place {
    long image, y, x;
  };
  Place place(long tile) const {
    const long inImage = tile % (rows * columns);
    return {tile / (rows * columns), inImage / columns * M, inImage % columns * M};
  }

  // Pointers to SIZE x SIZE pixels around a tile, from `before` pixels before its first; pixels outside of the image
  // are `outside`.
  template <int SIZE, typename Pixel>
  void pixels(Place at, long before, Pixel *images, long channels, Pixel *outside, Pixel *(&pixel)[SIZE * SIZE]) const {
    for (long i = 0; i < SIZE; i++) {
      const long y = at.y + i - before;
      for (long j = 0; j < SIZE; j++) {
        const long x = at.x + j - before;
        const bool inside = y >= 0 && y < h && x >= 0 && x < w;
        pixel[i * SIZE + j] = inside ? images + ((at.image * h + y) * w + x) * channels : outside;
      }
    }
  }
};

// Transforms `count` tiles, IN x IN pixels each, to planes [SIDE * SIDE][count][channels + GAP].
template <int M, int IN>
void transformPixels(void (&oneSide)(const Vector (&)[IN], Vector (&)[M + 2]), const Tiles<M> &tiles, long first,
                     long count, long before, const float *images, long channels, const float *zeros, float *planes,
                     long planeSize) {
  constexpr int SIDE = M + 2;
  for (long t = 0; t < count; t++) {
    const float *pixel[IN * IN];
    tiles.template pixels<IN, const float>(tiles.place(first + t), before, images, channels, zeros, pixel);
    float *to = planes + t * (channels + GAP);
    for (long c = 0; c < channels; c += WIDTH) {
      Vector in[IN][IN], out[SIDE][SIDE];
#pragma GCC unroll 8
      for (int i = 0; i < IN; i++)
#pragma GCC unroll 8
        for (int j = 0; j < IN; j++) in[i][j] = load(pixel[i * IN + j] + c);
      onBothSides<IN, SIDE>(oneSide, in, out);
#pragma GCC unroll 8
      for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SIDE; j++) store(to + (i * SIDE + j) * planeSize + c, out[i][j]);
    }
  }
}

// Columns of a packed filter's panels.
constexpr long panelOf(long columns) { return columns % PANEL == 0 ? PANEL : CHANNELS; }

// A filter [3, 3, rows, columns] as [SIDE * SIDE][columns / panel][rows][panel].
template <int M>
struct FilterTransform {
  static constexpr int SIDE = M + 2;
  const float *filter;
  float *packed;
  long rows, columns;
  // Taps from the last to the first: what the gradient of a convolution's input takes.
  bool turned;

  void row(long r) const {
    const long panel = panelOf(columns), plane = rows * columns;
    for (long c = 0; c < columns; c += WIDTH) {
      Vector taps[3][3], out[SIDE][SIDE];
#pragma GCC unroll 8
      for (int i = 0; i < 3; i++)
#pragma GCC unroll 8
        for (int j = 0; j < 3; j++) {
          const long tap = turned ? 8 - (i * 3 + j) : i * 3 + j;
          taps[i][j] = load(filter + tap * plane + r * columns + c);
        }
      onBothSides<3, SIDE>(Winograd<M>::filter, taps, out);
      float *to = packed + c / panel * panel * rows + r * panel + c % panel;
#pragma GCC unroll 8
      for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SIDE; j++) store(to + (i * SIDE + j) * plane, out[i][j]);
    }
  }
};

// Rows of a filter that one task transforms.
constexpr long FILTER_ROWS = 8;

template <int M>
void transformFilter(const Host &host, FilterTransform<M> transform) {
  host.parallel(
      parts(transform.rows, FILTER_ROWS),
      [](void *context, long index) {
        const auto &transform = *static_cast<const FilterTransform<M> *>(context);
        const long end = smaller(transform.rows, (index + 1) * FILTER_ROWS);
        for (long r = index * FILTER_ROWS; r < end; r++) transform.row(r);
      },
      &transform);
}

float *zeros(const Host &host, Slot slot, long floats) {
  float *memory = host.scratch(slot, floats);
  for (long i = 0; i < floats; i++) memory[i] = 0;
  return memory;
}

// Bytes of transformed tiles that a task of the forward pass works on.
constexpr long TASK_BYTES = 1 << 20;

// The forward pass with a filter that is already packed.
template <int M>
struct Forward {
  static constexpr int SIDE = M + 2;
  Tiles<M> tiles;
  long inputs, outputs, tasks;
  const Host &host;
  const float *x, *packed;
  Finish finish;
  float *y;

  Forward(const Host &host, const Convolution &conv, const float *x, const float *packed, Finish finish, float *y)
      : tiles(conv.n, conv.h, conv.w), inputs(conv.inputs), outputs(conv.outputs), host(host), x(x), packed(packed),
        finish(finish), y(y) {
    const long perTile = SIDE * SIDE * (inputs + outputs) * long{sizeof(float)};
    const long most = larger(ROWS, smaller(TASK_BYTES / perTile, 4 * ROWS) / ROWS * ROWS);
    tasks = parts(parts(tiles.count(), most), host.threads) * host.threads;
  }

  void task(long index) const {
    const long first = tiles.count() * index / tasks, count = tiles.count() * (index + 1) / tasks - first;
    if (count == 0) return;
    const long inRow = inputs + GAP, outRow = outputs + GAP;
    float *planes = host.scratch(PLANES, SIDE * SIDE * count * inRow);
    float *products = host.scratch(OUTPUTS, SIDE * SIDE * count * outRow);
    transformPixels<M, SIDE>(Winograd<M>::input, tiles, first, count, 1, x, inputs,
                             zeros(host, ZEROS, inputs), planes, count * inRow);
    const long panel = panelOf(outputs);
    for (long p = 0; p < SIDE * SIDE; p++) {
      for (long o = 0; o < outputs; o += panel) {
        multiply(count, panel, inputs, planes + p * count * inRow, {inRow, 1}, packed + (p * outputs + o) * inputs,
                 panel, products + p * count * outRow + o, outRow, false);
      }
    }
    results(first, count, products, outRow, host.scratch(ZEROS, outputs));
  }

  void results(long first, long count, const float *products, long outRow, float *outside) const {
    for (long t = 0; t < count; t++) {
      float *pixel[M * M];
      tiles.template pixels<M, float>(tiles.place(first + t), 0, y, outputs, outside, pixel);
      const float *from = products + t * outRow;
      for (long o = 0; o < outputs; o += WIDTH) {
        Vector in[SIDE][SIDE], out[M][M];
#pragma GCC unroll 8
        for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
          for (int j = 0; j < SIDE; j++) in[i][j] = load(from + (i * SIDE + j) * count * outRow + o);
        onBothSides<SIDE, M>(Winograd<M>::output, in, out);
        if (finish.bias != nullptr) {
          const Vector bias = load(finish.bias + o);
#pragma GCC unroll 16
          for (int i = 0; i < M * M; i++) out[i / M][i % M] += bias;
        }
        if (finish.image != nullptr) {
          for (int i = 0; i < M * M; i++) {
            if (pixel[i] != outside) out[i / M][i % M] += load(finish.image + (pixel[i] - y) + o);
          }
        }
        if (finish.relu) {
#pragma GCC unroll 16
          for (int i = 0; i < M * M; i++) {
            const Vector value = out[i / M][i % M];
            out[i / M][i % M] = value < 0 ? Vector{} : value;  // a NaN stays one
          }
        }
#pragma GCC unroll 16
        for (int i = 0; i < M * M; i++) store(pixel[i] + o, out[i / M][i % M]);
      }
    }
  }

  void run() {
    host.parallel(
        tasks, [](void *context, long index) { static_cast<const Forward *>(context)->task(index); }, this);
  }
};

template <int M>
void forward(const Host &host, const Convolution &conv, const float *x, const float *filter, Finish finish, float *y) {
  float *packed = host.scratch(PACKED, Winograd<M>::SIDE * Winograd<M>::SIDE * conv.inputs * conv.outputs);
  transformFilter<M>(host, {filter, packed, conv.inputs, conv.outputs, false});
  Forward<M>(host, conv, x, packed, finish, y).run();
}

// [9][rows][columns] to [9][columns][rows], in squares that stay in the nearest cache.
struct Transposition {
  const float *from;
  float *to;
  long rows, columns;

  void square(long index) const {
    const long down = rows / CHANNELS, across = columns / CHANNELS;
    const long tap = index / (down * across), r = index / across % down * CHANNELS, c = index % across * CHANNELS;
    const float *source = from + (tap * rows + r) * columns + c;
    float *target = to + (tap * columns + c) * rows + r;
    for (long i = 0; i < CHANNELS; i++)
      for (long j = 0; j < CHANNELS; j++) target[i * rows + j] = source[j * columns + i];
  }
};

// The gradient of the input is the convolution of that of the output with the filter turned round in space and with
// its channels exchanged.
template <int M>
void inputGradient(const Host &host, const Convolution &conv, const float *filter, const float *dy, float *dx) {
  const long size = conv.inputs * conv.outputs;
  float *transposed = host.scratch(TRANSPOSED, 9 * size);
  Transposition transposition{filter, transposed, conv.inputs, conv.outputs};
  for (long i = 0; i < 9 * size / (CHANNELS * CHANNELS); i++) transposition.square(i);
  float *packed = host.scratch(PACKED, Winograd<M>::SIDE * Winograd<M>::SIDE * size);
  transformFilter<M>(host, {transposed, packed, conv.outputs, conv.inputs, true});
  const Convolution turned{conv.n, conv.h, conv.w, conv.outputs, conv.inputs};
  Forward<M>(host, turned, dy, packed, {}, dx).run();
}

// Bytes of transformed tiles that the gradient of a filter is summed over at once.
constexpr long GROUP_BYTES = 4 << 20;
// Tiles that one task transforms, and input channels whose products one task sums.
constexpr long TILES = 8, SUMMED = 8 * 4;

// The gradient of the filter: both images transformed, products summed over tiles, and the sums transformed back.
template <int M>
struct FilterGradient {
  static constexpr int SIDE = M + 2;
  Tiles<M> tiles;
  long inputs, outputs;
  const float *x, *dy, *outside;
  float *dfilter, *planes, *gradients, *sums;
  long first = 0, count = 0;

  long inRow() const { return inputs + GAP; }
  long outRow() const { return outputs + GAP; }

  void transform(long index) const {
    const long from = index * TILES, size = smaller(TILES, count - from);
    transformPixels<M, SIDE>(Winograd<M>::input, tiles, first + from, size, 1, x, inputs, outside,
                             planes + from * inRow(), count * inRow());
    transformPixels<M, M>(Winograd<M>::outputTransposed, tiles, first + from, size, 0, dy, outputs, outside,
                          gradients + from * outRow(), count * outRow());
  }

  void product(long index) const {
    const long blocks = parts(inputs, SUMMED), plane = index / blocks, c = index % blocks * SUMMED;
    const long panel = panelOf(outputs);
    for (long o = 0; o < outputs; o += panel) {
      multiply(smaller(SUMMED, inputs - c), panel, count, planes + plane * count * inRow() + c, {1, inRow()},
               gradients + plane * count * outRow() + o, outRow(), sums + (plane * inputs + c) * outputs + o, outputs,
               first > 0);
    }
  }

  void result(long index) const {
    const long size = inputs * outputs;
    for (long o = 0; o < outputs; o += WIDTH) {
      Vector in[SIDE][SIDE], out[3][3];
      const float *from = sums + index * outputs + o;
#pragma GCC unroll 8
      for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SIDE; j++) in[i][j] = load(from + (i * SIDE + j) * size);
      onBothSides<SIDE, 3>(Winograd<M>::filterTransposed, in, out);
      float *to = dfilter + index * outputs + o;
#pragma GCC unroll 8
      for (int i = 0; i < 3; i++)
#pragma GCC unroll 8
        for (int j = 0; j < 3; j++) store(to + (i * 3 + j) * size, out[i][j]);
    }
  }
};

template <typename Context, void (Context::*step)(long) const>
void each(const Host &host, long count, Context &context) {
  host.parallel(
      count, [](void *of, long index) { (static_cast<const Context *>(of)->*step)(index); }, &context);
}

template <int M>
void filterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy, float *dfilter) {
  using Gradient = FilterGradient<M>;
  constexpr int PLANE_COUNT = Gradient::SIDE * Gradient::SIDE;
  const Tiles<M> tiles(conv.n, conv.h, conv.w);
  // Fixed by the sizes alone, so that the order of the sums is, too.
  const long perTile = PLANE_COUNT * (conv.inputs + conv.outputs) * long{sizeof(float)};
  const long groups = parts(tiles.count(), larger(32, GROUP_BYTES / perTile));
  const long most = parts(tiles.count(), groups);
  Gradient gradient{tiles,
                    conv.inputs,
                    conv.outputs,
                    x,
                    dy,
                    zeros(host, ZEROS, larger(conv.inputs, conv.outputs)),
                    dfilter,
                    host.scratch(PLANES, PLANE_COUNT * most * (conv.inputs + GAP)),
                    host.scratch(GRADIENTS, PLANE_COUNT * most * (conv.outputs + GAP)),
                    host.scratch(PACKED, PLANE_COUNT * conv.inputs * conv.outputs)};
  for (long g = 0; g < groups; g++) {
    gradient.first = tiles.count() * g / groups;
    gradient.count = tiles.count() * (g + 1) / groups - gradient.first;
    each<Gradient, &Gradient::transform>(host, parts(gradient.count, TILES), gradient);
    each<Gradient, &Gradient::product>(host, PLANE_COUNT * parts(conv.inputs, SUMMED), gradient);
  }
  each<Gradient, &Gradient::result>(host, conv.inputs, gradient);
}

}  // namespace

const Kernels KERNELS{forward<4>, inputGradient<4>, filterGradient<4>, elementwise};

}  // namespace pefd
