// The gradient of the filter: products of the results' gradients, turned round, with the pixels that each tap sees,
// summed over all results.
#pragma once

#include "sight.h"
#include "square.h"

namespace pefd {
namespace {

// Bytes of both images that are summed over at once: as much as stays in a cache.
constexpr long SUMMED_BYTES = 1 << 20;

struct AmxFilterGradient {
  const Host &host;
  const Convolution conv;
  const float *const x, *const dy;
  float *const dfilter;
  const Axis axis;
  // Bands of images are numbered one after the other; some of them are summed over at once.
  long bands = 0, atOnce = 0, firstBand = 0, bandCount = 0;
  Bfloat16 *pixels = nullptr, *gradients = nullptr;
  float *sums = nullptr;

  long resultRows() const { return ceilDivide(conv.h, conv.stride); }
  long resultColumns() const { return ceilDivide(conv.w, conv.stride); }
  long bandRow(long band) const { return resultRows() * band / bands; }
  long mostRows() const { return ceilDivide(resultRows(), bands); }
  long inputBlocks() const { return ceilDivide(conv.inputs, BLOCK); }
  long taps() const { return conv.kernel * conv.kernel; }

  // Every tap has columns of its own, and rows an even number of pixels: pairs of pixels stay pairs for every tap.
  Copies copiesOf(long rows) const { return {Lines(axis, false), Lines(axis, true), rows, resultColumns(), 2}; }

  // Products that are summed for a band: DEPTH pixels each.
  static long depthsOf(const Copies &copies) { return ceilDivide(copies.resultRows * copies.rowPixels, DEPTH); }
  // Pairs of pixels of a copy.
  static long pairsOf(const Copies &copies) { return copies.pixels() / 2; }
  long pixelNumbers(const Copies &most) const { return most.count() * 2 * pairsOf(most) * conv.inputs; }
  long gradientNumbers(const Copies &most) const { return depthsOf(most) * DEPTH * conv.outputs; }

  struct Band {
    long image, row, rows;
  };
  Band bandAt(long place) const {
    const long number = firstBand + place, row = bandRow(number % bands);
    return {number / bands, row, bandRow(number % bands + 1) - row};
  }

  // A part of a band in bfloat16: one of the copies of its images, or its gradients.
  void convert(long index, long /*worker*/) const {
    const Copies most = copiesOf(mostRows());
    const long place = index / partsOf(most), part = index % partsOf(most);
    const Band band = bandAt(place);
    const Copies copies = copiesOf(band.rows);
    if (part == most.count()) return convertGradients(band, copies, gradients + place * gradientNumbers(most));
    convertPixels(band, copies, part / copies.columns.count, part % copies.columns.count,
                  pixels + place * pixelNumbers(most) + 2 * pairsOf(copies) * conv.inputs * part);
  }
  static long partsOf(const Copies &copies) { return copies.count() + 1; }

  // A copy of images as [blocks of SIDE channels][pairs of pixels][SIDE][2].
  void convertPixels(const Band &band, const Copies &copies, long i, long j, Bfloat16 *to) const {
    const Source source = {x + band.image * conv.h * conv.w * conv.inputs, conv.h, conv.w, conv.inputs};
    const long pairCount = pairsOf(copies);
    const long rows = copies.resultRows + copies.rows.further();
    const auto at = [&](long r, long c) {
      const bool isThere = r < rows && c < copies.resultColumns;
      return isThere ? source.at(copies.rows.first[i] + copies.rows.step * (band.row + r),
                                 copies.columns.first[j] + copies.columns.step * c)
                     : nullptr;
    };
    for (long r = 0, pair = 0; pair < pairCount; r++) {
      for (long c = 0; c < copies.rowPixels && pair < pairCount; c += 2, pair++) {
        convertPair(at(r, c), at(r, c + 1), to + pair * DEPTH, pairCount * DEPTH);
      }
    }
  }

  // A pair of pixels; of no pixel zeros.
  void convertPair(const float *first, const float *second, Bfloat16 *to, long block) const {
    for (long channel = 0; channel < conv.inputs; channel += SIDE, to += block) {
      store(to, pairs(channelsOf(first, channel), channelsOf(second, channel)));
    }
  }

  // Gradients as [blocks of SIDE channels][depths][SIDE][DEPTH pixels].
  void convertGradients(const Band &band, const Copies &copies, Bfloat16 *to) const {
    const Source source = {dy + band.image * resultRows() * resultColumns() * conv.outputs, resultRows(),
                           resultColumns(), conv.outputs};
    const long depths = depthsOf(copies);
    const auto at = [&](long pixel) {
      const long r = pixel / copies.rowPixels;
      return r < band.rows ? source.at(band.row + r, pixel % copies.rowPixels) : nullptr;
    };
    for (long d = 0; d < depths; d++) {
      const float *pixel[DEPTH];
      for (long p = 0; p < DEPTH; p++) pixel[p] = at(d * DEPTH + p);
      for (long o = 0; o < conv.outputs; o += SIDE) {
        Words words[SIDE];
        for (long p = 0; p < SIDE; p++) {
          words[p] = pairs(channelsOf(pixel[2 * p], o), channelsOf(pixel[2 * p + 1], o));
        }
        turn(words);
        for (long r = 0; r < SIDE; r++) store(to + (o * depths + d * SIDE + r) * DEPTH, words[r]);
      }
    }
  }

  // The sums of a block of outputs and one of inputs, of all taps, over some bands.
  void multiply(long index, long /*worker*/) const {
    const long inputs = index % inputBlocks(), outputs = index / inputBlocks();
    const bool areTwoRows = conv.outputs - outputs * BLOCK > SIDE, areTwoColumns = conv.inputs - inputs * BLOCK > SIDE;
    float *to = sums + index * taps() * BLOCK * BLOCK;
    Units units;
    for (long tap = 0; tap < taps(); tap++, to += BLOCK * BLOCK) {
      withSquare(units, areTwoRows, areTwoColumns, [&](auto square) { multiply(square, tap, inputs, outputs, to); });
      if (firstBand + bandCount == conv.n * bands) writeTap(tap, inputs, outputs, to);
    }
  }

  template <int M, int N>
  void multiply(const Square<M, N> &square, long tap, long inputs, long outputs, float *to) const {
    firstBand == 0 ? square.zero() : square.load(to);
    const Copies most = copiesOf(mostRows());
    for (long place = 0; place < bandCount; place++) {
      const Copies copies = copiesOf(bandAt(place).rows);
      const Copies::Place seen = copies.of(axis.first[tap / conv.kernel], axis.first[tap % conv.kernel]);
      const long depths = depthsOf(copies), block = pairsOf(copies) * DEPTH;
      const Bfloat16 *a = gradients + place * gradientNumbers(most) + outputs * BLOCK * depths * DEPTH;
      const Bfloat16 *b = pixels + place * pixelNumbers(most) + 2 * pairsOf(copies) * conv.inputs * seen.copy +
                          2 * inputs * block + seen.pixel * SIDE;
      for (long d = 0; d < depths; d++, a += TILE_NUMBERS, b += TILE_NUMBERS) {
        square.add(a, a + depths * TILE_NUMBERS, ROW_BYTES, b, b + block);
      }
    }
    square.store(to);
  }

  // Sums [outputs][inputs] of a block to the tap's [inputs][outputs].
  void writeTap(long tap, long inputs, long outputs, const float *from) const {
    for (long o = 0; o < min(BLOCK, conv.outputs - outputs * BLOCK); o += SIDE) {
      for (long i = 0; i < min(BLOCK, conv.inputs - inputs * BLOCK); i += SIDE) {
        Words words[SIDE];
        for (long r = 0; r < SIDE; r++) words[r] = reinterpret_cast<Words>(load(from + (o + r) * BLOCK + i));
        turn(words);
        float *to = dfilter + (tap * conv.inputs + inputs * BLOCK + i) * conv.outputs + outputs * BLOCK + o;
        for (long r = 0; r < SIDE; r++) pefd::store(to + r * conv.outputs, reinterpret_cast<Vector>(words[r]));
      }
    }
  }

  Outcome zero() const {
    for (long i = 0; i < taps() * conv.inputs * conv.outputs; i++) dfilter[i] = 0;
    return Outcome::DONE;
  }

  Outcome run() {
    const long all = conv.n * resultRows() * resultColumns();
    if (all == 0) return zero();
    const auto bytesOf = [&](const Copies &copies) {
      return (pixelNumbers(copies) + gradientNumbers(copies)) * long{sizeof(Bfloat16)};
    };
    bands = min(resultRows(), ceilDivide(bytesOf(copiesOf(resultRows())), SUMMED_BYTES));
    const Copies most = copiesOf(mostRows());
    atOnce = min(conv.n * bands, max(1, SUMMED_BYTES / bytesOf(most)));
    pixels = bfloat16Scratch(host, PLANES, atOnce * pixelNumbers(most));
    gradients = bfloat16Scratch(host, GRADIENTS, atOnce * gradientNumbers(most));
    const long products = inputBlocks() * ceilDivide(conv.outputs, BLOCK);
    sums = host.scratch(host.self, SUMS, products * taps() * BLOCK * BLOCK);
    if (!pixels || !gradients || !sums) return Outcome::OUT_OF_MEMORY;
    for (firstBand = 0; firstBand < conv.n * bands; firstBand += atOnce) {
      bandCount = min(atOnce, conv.n * bands - firstBand);
      parallelFor<AmxFilterGradient, &AmxFilterGradient::convert>(host, bandCount * partsOf(most), *this);
      parallelFor<AmxFilterGradient, &AmxFilterGradient::multiply>(host, products, *this);
    }
    return Outcome::DONE;
  }
};

inline Outcome amxFilterGradient(const Host &host, const Convolution &conv, const float *x, const float *dy,
                                 float *dfilter) {
  return AmxFilterGradient{host, conv, x, dy, dfilter, forwardAxis(conv.kernel, conv.stride)}.run();
}

}  // namespace
}  // namespace pefd
