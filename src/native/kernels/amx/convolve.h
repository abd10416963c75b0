// The forward pass, which is the gradient of the images as well: that of the results convolved with turned taps; with a
// stride, pixels that lie a stride apart see the same taps, and each such phase is a convolution of its own.
#pragma once

#include "product.h"
#include "results.h"

namespace pefd {
namespace {

// Bytes of copies that a task works on.
constexpr long BAND_BYTES = 512 << 10;
constexpr long MOST_PHASES = 4;

// Results that lie apart by the step of the results, and what they see.
struct Phase {
  long row, column;
  Axis rows, columns;
};

template <typename Number>
struct Convolve {
  const Host &host;
  // Of the source: [n, height, width, channels], `channels` of it being the filter's rows.
  const long n;
  const Source<Number> source;
  const Results<Number> results;
  const Phase *const phases;
  const long phaseCount;
  // What all phases see, of rows as of columns.
  const Axis allSeen;
  PackedTaps taps;
  const long kernel;
  long bands = 0;
  // Of each worker: copies of some rows of an image.
  WorkerMemory images = {};

  long resultRows() const { return ceilDivide(results.height, results.step); }
  long resultColumns() const { return ceilDivide(results.width, results.step); }
  long firstRow(long band) const { return resultRows() * band / bands; }

  // Rows of 16 results and more are tiles by themselves; shorter ones share tiles, and must lie side by side for that.
  Copies copiesOf(long rows) const {
    const bool areApart = resultColumns() % SIDE != 0;
    return {Lines(allSeen, false), Lines(allSeen, areApart), rows, resultColumns()};
  }

  // All results of some rows of an image.
  void band(long index, long worker) const {
    const long image = index / bands, band = index % bands, first = firstRow(band), rows = firstRow(band + 1) - first;
    if (rows == 0) return;
    const Copies copies = copiesOf(rows);
    Bfloat16 *copied = bfloat16sOf(images, worker);
    Source<Number> one = source;
    one.pixels += image * source.height * source.width * source.channels;
    copyImage(one, copies, first, copied);
    Units units;
    for (long p = 0; p < phaseCount; p++) {
      const Phase &phase = phases[p];
      const typename Results<Number>::Part part = {image, phase.row + results.step * first, phase.column,
                                                   copies.resultColumns};
      for (long block = 0; block < taps.blocks(); block++) multiply(units, copies, copied, phase, part, block);
    }
  }

  // Those of one phase, and a block of their channels.
  void multiply(Units &units, const Copies &copies, const Bfloat16 *copied, const Phase &phase,
                const typename Results<Number>::Part &part, long block) const {
    const long deep = deepened(source.channels), count = copies.resultRows * copies.resultColumns;
    long away[MOST_TAPS * MOST_TAPS];
    const Bfloat16 *tiles[MOST_TAPS * MOST_TAPS];
    long seen = 0;
    for (long i = 0; i < phase.rows.count; i++) {
      for (long j = 0; j < phase.columns.count; j++, seen++) {
        const Copies::Place place = copies.of(phase.rows.first[i], phase.columns.first[j]);
        away[seen] = (place.copy * copies.pixels() + place.pixel) * deep;
        tiles[seen] = taps.at(block, phase.rows.tap[i] * kernel + phase.columns.tap[j]);
      }
    }
    const auto pixelOf = [&](long result) {
      return copied + (result / copies.resultColumns * copies.rowPixels + result % copies.resultColumns) * deep;
    };
    alignas(64) float sums[BLOCK * BLOCK];
    const long columns = taps.tilesOf(block) * SIDE, pixelBytes = deep * long{sizeof(Bfloat16)};
    for (long result = 0; result < count; result += BLOCK) {
      const bool areTwo = count - result > SIDE;
      const Bfloat16 *first = pixelOf(result), *second = areTwo ? pixelOf(result + SIDE) : first;
      const Operands operands = {first, second, pixelBytes, taps.depths(), seen, away, tiles};
      withSquare(units, areTwo, columns > SIDE, [&](auto square) { multiplyTiles(square, operands, sums); });
      results.write(part, {result, min(BLOCK, count - result), block * BLOCK, columns}, sums);
    }
  }

  Outcome run() {
    if (n * results.height * results.width == 0) return Outcome::DONE;
    const long deep = deepened(source.channels);
    const Copies row = copiesOf(1);
    const long rowBytes = row.count() * row.rowPixels * deep * long{sizeof(Bfloat16)};
    const long fewest = ceilDivide(resultRows(), max(1, BAND_BYTES / rowBytes));
    bands = min(resultRows(), max(fewest, ceilDivide(2 * host.workers, n)));
    const Copies most = copiesOf(ceilDivide(resultRows(), bands));
    const long packedNumbers = PackedTaps::numbers(taps.taps, taps.rows, taps.columns);
    taps.packed = bfloat16Scratch(host, PACKED, packedNumbers);
    images = bfloat16WorkerScratch(host, PLANES, most.count() * most.pixels() * deep);
    if (!taps.packed || !images.memory) return Outcome::OUT_OF_MEMORY;
    taps.run(host);
    parallelFor<Convolve, &Convolve::band>(host, n * bands, *this);
    return Outcome::DONE;
  }
};

template <typename Number>
Outcome amxForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                   EpilogueOf<Number> epilogue, Number *y) {
  const Axis axis = forwardAxis(conv.kernel, conv.stride);
  const Phase phase = {0, 0, axis, axis};
  const Results<Number> results = {y, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs, 1,
                                   epilogue};
  return Convolve<Number>{host,
                          conv.n,
                          {x, conv.h, conv.w, conv.inputs},
                          results,
                          &phase,
                          1,
                          axis,
                          {filter, conv.kernel * conv.kernel, conv.inputs, conv.outputs, false, nullptr},
                          conv.kernel}
      .run();
}

template <typename Number>
Outcome amxInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                         EpilogueOf<Number> epilogue, Number *dx) {
  Phase phases[MOST_PHASES];
  long count = 0;
  for (long row = 0; row < conv.stride; row++) {
    for (long column = 0; column < conv.stride; column++) {
      phases[count++] = {row, column, gradientAxis(conv.kernel, conv.stride, row),
                         gradientAxis(conv.kernel, conv.stride, column)};
    }
  }
  const Axis &seen = phases[count - 1].rows.count > 0 ? phases[count - 1].rows : phases[0].rows;
  const Results<Number> results = {dx, conv.h, conv.w, conv.inputs, conv.stride, epilogue};
  return Convolve<Number>{host,
                          conv.n,
                          {dy, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs},
                          results,
                          phases,
                          count,
                          seen,
                          {filter, conv.kernel * conv.kernel, conv.outputs, conv.inputs, true, nullptr},
                          conv.kernel}
      .run();
}

}  // namespace
}  // namespace pefd
