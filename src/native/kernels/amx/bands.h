// Images and gradients of results in bfloat16, as the gradient of the filter multiplies them, a band of rows at a time.
#pragma once

#include "sight.h"

namespace pefd {
namespace {

// Images [n, h, w, inputs], gradients of results, and a pixel of zeros that is read outside of both.
template <typename Number>
struct Images {
  const Number *x, *dy, *zeros;
};

// Bands of rows of all images, numbered one after the other. All take as much memory, and as many products, as one with
// the most rows: what a band does not have is zeros.
struct Bands {
  const Convolution conv;
  // Of an image, and rows of results in a band at most.
  const long ofImage, rows;
  // Every tap has columns of its own, and rows an even number of pixels: pairs of pixels stay pairs for every tap.
  const Copies copies;
  // Products that are summed for a band: DEPTH pixels each.
  const long depths;

  Bands(const Convolution &conv, const Axis &axis, long ofImage)
      : conv(conv),
        ofImage(ofImage),
        rows(ceilDivide(resultRows(), ofImage)),
        copies(Lines(axis, false), Lines(axis, true), rows, resultColumns(), 2),
        depths(ceilDivide(rows * copies.rowPixels, DEPTH)) {}

  long resultRows() const { return ceilDivide(conv.h, conv.stride); }
  long resultColumns() const { return ceilDivide(conv.w, conv.stride); }
  long count() const { return conv.n * ofImage; }

  // Numbers of a copy of SIDE channels; of all copies of some channels; and of gradients.
  long copyNumbers() const { return copies.pixels() * SIDE; }
  long pixelNumbers(long channels) const { return copies.count() * copies.pixels() * channels; }
  long gradientNumbers() const { return depths * DEPTH * conv.outputs; }

  struct Band {
    long image, row, rows;
  };
  Band at(long number) const {
    const long row = firstRow(number % ofImage);
    return {number / ofImage, row, firstRow(number % ofImage + 1) - row};
  }

  // Some channels of a band's images as [blocks of SIDE channels][copies][pairs of pixels][SIDE][2]. A row is read from
  // memory once: all copies of its columns are made while it is in the nearest cache.
  template <typename Number>
  void convertPixels(const Images<Number> &images, const Band &band, long channel, long channels, Bfloat16 *to) const {
    const Source<Number> source = {images.x + band.image * conv.h * conv.w * conv.inputs, conv.h, conv.w, conv.inputs};
    for (long i = 0; i < copies.rows.count; i++) {
      for (long r = 0; r < rows + copies.rows.further(); r++) {
        const long row = copies.rows.first[i] + copies.rows.step * (band.row + r);
        for (long j = 0; j < copies.columns.count; j++) {
          const auto at = [&](long c) {
            const long column = copies.columns.first[j] + copies.columns.step * c;
            const Number *pixel = c < copies.resultColumns ? source.at(row, column) : nullptr;
            return (pixel ? pixel : images.zeros) + channel;
          };
          Bfloat16 *pair = to + (i * copies.columns.count + j) * copyNumbers() + r * copies.rowPixels * SIDE;
          for (long c = 0; c < copies.rowPixels; c += 2, pair += DEPTH) convertPair(at(c), at(c + 1), channels, pair);
        }
      }
    }
    clearEnds(channels, to);
  }

  // Gradients of a band as [blocks of SIDE channels][depths][SIDE][DEPTH pixels].
  template <typename Number>
  void convertGradients(const Images<Number> &images, const Band &band, Bfloat16 *to) const {
    const Source<Number> source = {images.dy + band.image * resultRows() * resultColumns() * conv.outputs, resultRows(),
                                   resultColumns(), conv.outputs};
    const auto at = [&](long i) {
      const long r = i / copies.rowPixels;
      const Number *pixel = r < band.rows ? source.at(band.row + r, i % copies.rowPixels) : nullptr;
      return pixel ? pixel : images.zeros;
    };
    for (long d = 0; d < depths; d++) {
      const Number *pixel[DEPTH];
      for (long p = 0; p < DEPTH; p++) pixel[p] = at(d * DEPTH + p);
      for (long o = 0; o < conv.outputs; o += SIDE) convertTile(pixel, o, to + (o * depths + d * SIDE) * DEPTH);
    }
  }

 private:
  long firstRow(long band) const { return resultRows() * band / ofImage; }

  template <typename Number>
  void convertPair(const Number *first, const Number *second, long channels, Bfloat16 *to) const {
    const long block = copies.count() * copyNumbers();
    for (long c = 0; c < channels; c += SIDE, to += block) store(to, pairs(first + c, second + c));
  }

  // Tiles reach behind the last row of each copy.
  void clearEnds(long channels, Bfloat16 *to) const {
    for (long copy = 0; copy < copies.count() * channels / SIDE; copy++) {
      Bfloat16 *end = to + (copy + 1) * copyNumbers() - BLOCK * SIDE;
      for (long p = 0; p < BLOCK * SIDE; p += DEPTH) store(end + p, Words{});
    }
  }

  // SIDE channels of DEPTH pixels, turned round.
  template <typename Number>
  static void convertTile(const Number *const (&pixel)[DEPTH], long channel, Bfloat16 *to) {
    Words words[SIDE];
    for (long p = 0; p < SIDE; p++) words[p] = pairs(pixel[2 * p] + channel, pixel[2 * p + 1] + channel);
    turn(words);
    for (long r = 0; r < SIDE; r++) store(to + r * DEPTH, words[r]);
  }
};

}  // namespace
}  // namespace pefd
