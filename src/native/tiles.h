// Images cut into tiles, and the transforms of tiles.
#pragma once

#include "common.h"
#include "kernels.h"
#include "winograd.h"

namespace pefd {
namespace {

// Floats from one row of `floats`, or one plane of them, to the next: an odd number of the lines of a cache. An even one
// would leave some of a cache's sets unused, a power of two nearly all.
constexpr long apart(long floats) { return (floats / CHANNELS | 1) * CHANNELS; }

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

// Transforms `count` tiles, IN x IN pixels each, to SIDE * SIDE planes of [count][apart(channels)].
template <int M, int IN>
void transformPixels(void (&oneSide)(const Vector (&)[IN], Vector (&)[M + 2]), const Tiles<M> &tiles, long first,
                     long count, long before, const float *images, long channels, const float *zeros, float *planes,
                     long plane) {
  constexpr int SIDE = M + 2;
  for (long t = 0; t < count; t++) {
    const float *pixel[IN * IN];
    tiles.template pixels<IN, const float>(tiles.place(first + t), before, images, channels, zeros, pixel);
    float *to = planes + t * apart(channels);
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
        for (int j = 0; j < SIDE; j++) store(to + (i * SIDE + j) * plane + c, out[i][j]);
    }
  }
}

// Tiles that one task transforms.
constexpr long TILES = 8;

float *zeros(const Host &host, Slot slot, long floats) {
  float *memory = host.scratch(slot, floats);
  for (long i = 0; i < floats; i++) memory[i] = 0;
  return memory;
}

template <typename Context, void (Context::*step)(long) const>
void each(const Host &host, long count, const Context &context) {
  host.parallel(
      count, [](void *of, long index) { (static_cast<const Context *>(of)->*step)(index); },
      const_cast<Context *>(&context));
}

}  // namespace
}  // namespace pefd
