// Operands of AMX wgrad in bfloat16, a band of rows at a time, and their blocking.
#pragma once

#include "receptive_field.h"

namespace pefd {
namespace {

// Activations [n, h, w, inputs], output gradients, and a zero pixel.
template <typename Number>
struct Images {
  const Number *x, *dy, *zeros;
};

// Bands of rows of all images. All are sized like the largest, and zero-padded.
struct Bands {
  const Convolution conv;
  // Bands per image, and output rows per band at most.
  const long ofImage, rows;
  // A copy per filter column, and rows of an even number of pixels, so that pairs of pixels are the same for every tap.
  const ShiftedCopies copies;
  // Tile products per band: TILE_DEPTH pixels each.
  const long depths;

  Bands(const Convolution &conv, const ReceptiveField &field, long ofImage)
      : conv(conv),
        ofImage(ofImage),
        rows(ceilDivide(resultRows(), ofImage)),
        copies(CopyLines(field, false), CopyLines(field, true), rows, resultColumns(), 2),
        depths(ceilDivide(rows * copies.rowPixels, TILE_DEPTH)) {}

  long resultRows() const { return ceilDivide(conv.h, conv.stride); }
  long resultColumns() const { return ceilDivide(conv.w, conv.stride); }
  long count() const { return conv.n * ofImage; }

  // Numbers of a copy of TILE_SIDE channels, of all copies of some channels, and of the gradients.
  long copyNumbers() const { return copies.pixels() * TILE_SIDE; }
  long pixelNumbers(long channels) const { return copies.count() * copies.pixels() * channels; }
  long gradientNumbers() const { return depths * TILE_DEPTH * conv.outputs; }

  struct Band {
    long image, row, rows;
  };
  Band at(long number) const {
    const long row = firstRow(number % ofImage);
    return {number / ofImage, row, firstRow(number % ofImage + 1) - row};
  }

  // Converts some channels of a band to [blocks of TILE_SIDE channels][copies][pairs of pixels][TILE_SIDE][2]. All
  // copies of a row are made while it is in L1.
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
          Bfloat16 *pair = to + (i * copies.columns.count + j) * copyNumbers() + r * copies.rowPixels * TILE_SIDE;
          for (long c = 0; c < copies.rowPixels; c += 2, pair += TILE_DEPTH)
            convertPair(at(c), at(c + 1), channels, pair);
        }
      }
    }
    clearEnds(channels, to);
  }

  // Converts a band's gradients to [blocks of TILE_SIDE channels][depths][TILE_SIDE][TILE_DEPTH pixels].
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
      const Number *pixel[TILE_DEPTH];
      for (long p = 0; p < TILE_DEPTH; p++) pixel[p] = at(d * TILE_DEPTH + p);
      for (long o = 0; o < conv.outputs; o += TILE_SIDE)
        convertTile(pixel, o, to + (o * depths + d * TILE_SIDE) * TILE_DEPTH);
    }
  }

 private:
  long firstRow(long band) const { return resultRows() * band / ofImage; }

  template <typename Number>
  void convertPair(const Number *first, const Number *second, long channels, Bfloat16 *to) const {
    const long block = copies.count() * copyNumbers();
    for (long c = 0; c < channels; c += TILE_SIDE, to += block) store(to, interleaved(first + c, second + c));
  }

  // Tiles read past the last row of each copy.
  void clearEnds(long channels, Bfloat16 *to) const {
    for (long copy = 0; copy < copies.count() * channels / TILE_SIDE; copy++) {
      Bfloat16 *end = to + (copy + 1) * copyNumbers() - BLOCK * TILE_SIDE;
      for (long p = 0; p < BLOCK * TILE_SIDE; p += TILE_DEPTH) store(end + p, Words{});
    }
  }

  // Transposes TILE_SIDE channels of TILE_DEPTH pixels.
  template <typename Number>
  static void convertTile(const Number *const (&pixel)[TILE_DEPTH], long channel, Bfloat16 *to) {
    Words words[TILE_SIDE];
    for (long p = 0; p < TILE_SIDE; p++) words[p] = interleaved(pixel[2 * p] + channel, pixel[2 * p + 1] + channel);
    transpose(words);
    for (long r = 0; r < TILE_SIDE; r++) store(to + r * TILE_DEPTH, words[r]);
  }
};

// Bytes of both operands that are summed at once: with the sums, what fits L2.
constexpr long SUMMED_BYTES = 768 << 10;
// Bytes of all slices' sums, and slices, at most.
constexpr long SLICES_BYTES = 5 << 20, MAX_SLICES = 16;
// Input channels of a task at most, and tasks at least, if possible.
constexpr long TASK_CHANNELS = 128, MIN_TASKS = 8;

// The batch is divided into slices, input channels into groups, by shapes alone; each pair is a task.
struct Blocking {
  long slices, groups, inputTiles, bandsOfImage, bandsAtOnce;

  // Tiles of input channels of a group, at most.
  long mostTiles() const { return ceilDivide(inputTiles, groups); }
  long firstTile(long group) const { return inputTiles * group / groups; }
};

inline Blocking blockingOf(const Convolution &conv, const ReceptiveField &field) {
  const long sumBytes = conv.kernel * conv.kernel * conv.inputs * conv.outputs * long{sizeof(float)};
  Blocking blocking;
  blocking.inputTiles = conv.inputs / TILE_SIDE;
  blocking.slices = min(conv.n, min(MAX_SLICES, max(1, SLICES_BYTES / sumBytes)));
  blocking.groups =
      min(blocking.inputTiles, max(ceilDivide(conv.inputs, TASK_CHANNELS), ceilDivide(MIN_TASKS, blocking.slices)));
  const auto bytesOf = [&](const Bands &bands) {
    return (bands.pixelNumbers(blocking.mostTiles() * TILE_SIDE) + bands.gradientNumbers()) * long{sizeof(Bfloat16)};
  };
  const Bands whole(conv, field, 1);
  blocking.bandsOfImage = min(whole.resultRows(), ceilDivide(bytesOf(whole), SUMMED_BYTES));
  const Bands bands(conv, field, blocking.bandsOfImage);
  blocking.bandsAtOnce = min(ceilDivide(bands.count(), blocking.slices), max(1, SUMMED_BYTES / bytesOf(bands)));
  return blocking;
}

}  // namespace
}  // namespace pefd
