// The gradient of the filter: products of the results' gradients, turned round, with the pixels that each tap sees,
// summed over all results.
#pragma once

#include "division.h"
#include "oblong.h"

namespace pefd {
namespace {

// Each task sums over a slice of the images for some input channels, and converts what it needs by itself, so that
// threads share nothing that is written. What the slices have summed up is added at the end.
template <typename Number>
struct AmxFilterGradient {
  const Host &host;
  const Axis axis;
  const Division division;
  const Bands bands;
  Images<Number> images;
  float *const dfilter;
  // Of each worker: copies of what both images have in some bands.
  WorkerMemory pixels = {}, gradients = {};
  float *sums = nullptr;

  AmxFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy, float *dfilter)
      : host(host),
        axis(forwardAxis(conv.kernel, conv.stride)),
        division(divisionOf(conv, axis)),
        bands(conv, axis, division.bandsOfImage),
        images{x, dy, nullptr},
        dfilter(dfilter) {}

  long taps() const { return axis.count * axis.count; }
  bool isOneTap() const { return axis.count == 1; }
  long inputs() const { return bands.conv.inputs; }
  long outputs() const { return bands.conv.outputs; }
  long outputTiles() const { return outputs() / SIDE; }
  long sliceSums() const { return taps() * inputs() * outputs(); }
  // Of the bands that a task has in memory at once.
  long bandPixels() const { return bands.pixelNumbers(division.mostTiles() * SIDE); }
  long taskPixels() const { return division.bandsAtOnce * bandPixels(); }
  long taskGradients() const { return division.bandsAtOnce * bands.gradientNumbers(); }

  // Some bands, and tiles of input channels, with the memory to work in.
  struct Part {
    long firstBand, bandCount, nextCount, firstTile, tileCount;
    Bfloat16 *pixels, *gradients;
    float *sums;
    bool isFirst;
  };

  void sum(long index, long worker) const {
    const long slice = index / division.groups, group = index % division.groups;
    const auto firstBand = [&](long slice) { return bands.count() * slice / division.slices; };
    const long firstTile = division.firstTile(group), end = firstBand(slice + 1);
    Part part{firstBand(slice),
              0,
              0,
              firstTile,
              division.firstTile(group + 1) - firstTile,
              bfloat16sOf(pixels, worker),
              bfloat16sOf(gradients, worker),
              sums + slice * sliceSums(),
              true};
    Units units;
    for (; part.firstBand < end; part.firstBand += part.bandCount, part.isFirst = false) {
      part.bandCount = min(division.bandsAtOnce, end - part.firstBand);
      part.nextCount = min(division.bandsAtOnce, end - part.firstBand - part.bandCount);
      convert(part);
      multiply(units, part);
    }
  }

  void convert(const Part &part) const {
    for (long b = 0; b < part.bandCount; b++) {
      const Bands::Band band = bands.at(part.firstBand + b);
      bands.convertPixels(images, band, part.firstTile * SIDE, part.tileCount * SIDE, part.pixels + b * bandPixels());
      bands.convertGradients(images, band, part.gradients + b * bands.gradientNumbers());
    }
  }

  // What is summed in tiles at once: one or two tiles of outputs; and a tile of inputs with the taps of one column, or
  // several tiles of inputs with the only tap.
  struct Block {
    long output, outputs, input, column, columns;
  };

  // Tiles of inputs, or several of them.
  long setsOf(const Part &part) const { return isOneTap() ? ceilDivide(part.tileCount, MOST_COLUMNS) : part.tileCount; }

  void multiply(Units &units, const Part &part) const {
    Ahead ahead = aheadOf(part);
    const long sets = setsOf(part);
    for (long set = 0; set < sets; set++) {
      const long input = part.tileCount * set / sets, inputs = part.tileCount * (set + 1) / sets - input;
      for (long column = 0; column < axis.count; column++) {
        for (long output = 0; output < outputTiles(); output += MOST_ROWS) {
          const long outputs = min(MOST_ROWS, outputTiles() - output);
          const Block block = {output, outputs, input, column, isOneTap() ? inputs : axis.count};
          withOblong(units, block.outputs, block.columns, [&](auto oblong) { multiply(oblong, part, block, ahead); });
        }
      }
    }
  }

  // The images that are converted next, while these are multiplied; only where they lie in a row.
  Ahead aheadOf(const Part &part) const {
    const Bands::Band next = bands.at(part.firstBand + part.bandCount);
    const Convolution &conv = bands.conv;
    const long blocks = setsOf(part) * axis.count * ceilDivide(outputTiles(), MOST_ROWS);
    const long steps = part.bandCount * bands.depths * blocks;
    const long row = conv.w * inputs(), resultRow = bands.resultColumns() * outputs();
    const Number *x = images.x + (next.image * conv.h + next.row * conv.stride) * row;
    const Number *dy = images.dy + (next.image * bands.resultRows() + next.row) * resultRow;
    const long rows = min(part.nextCount * bands.rows, (conv.n - next.image) * bands.resultRows() - next.row);
    Ahead ahead;
    if (division.groups == 1) ahead.x = Stream({x, rows * conv.stride * row}, steps);
    ahead.dy = Stream({dy, rows * resultRow}, steps);
    return ahead;
  }

  template <int M, int N>
  void multiply(const Oblong<M, N> &oblong, const Part &part, const Block &block, Ahead &ahead) const {
    const Bfloat16 *rows[MOST_ROWS], *columns[MOST_COLUMNS];
    float *to[MOST_ROWS][MOST_COLUMNS];
    for (long m = 0; m < M; m++) rows[m] = part.gradients + (block.output + m) * bands.depths * TILE_NUMBERS;
    for (long n = 0; n < N; n++) {
      const long tile = block.input + (isOneTap() ? n : 0), row = isOneTap() ? 0 : n;
      const Copies::Place seen = bands.copies.of(axis.first[row], axis.first[block.column]);
      columns[n] = part.pixels + (tile * bands.copies.count() + seen.copy) * bands.copyNumbers() + seen.pixel * SIDE;
      for (long m = 0; m < M; m++) {
        to[m][n] = tileOf(part.sums, part.firstTile + tile, block.output + m, row * axis.count + block.column);
      }
    }
    part.isFirst ? oblong.zero() : oblong.load(to);
    for (long b = 0; b < part.bandCount; b++) {
      ahead = oblong.add(rows, b * bands.gradientNumbers(), columns, b * bandPixels(), bands.depths, ahead);
    }
    oblong.store(to);
  }

  // Sums of a tile of a slice: [outputs][inputs].
  float *tileOf(float *ofSlice, long input, long output, long tap) const {
    return ofSlice + ((input * outputTiles() + output) * taps() + tap) * TILE_SUMS;
  }

  // The gradient of a tile of inputs and one of outputs: what all slices have summed up, turned round.
  void write(long index, long /*worker*/) const {
    const long input = index / outputTiles(), output = index % outputTiles();
    for (long tap = 0; tap < taps(); tap++) {
      Words words[SIDE];
      for (long r = 0; r < SIDE; r++) {
        const float *from = tileOf(sums, input, output, tap) + r * SIDE;
        Vector sum = load(from);
        for (long slice = 1; slice < division.slices; slice++) sum += load(from + slice * sliceSums());
        words[r] = reinterpret_cast<Words>(sum);
      }
      turn(words);
      float *to = dfilter + (tap * inputs() + input * SIDE) * outputs() + output * SIDE;
      for (long r = 0; r < SIDE; r++) pefd::store(to + r * outputs(), reinterpret_cast<Vector>(words[r]));
    }
  }

  Outcome run() {
    pixels = bfloat16WorkerScratch(host, PLANES, taskPixels());
    gradients = bfloat16WorkerScratch(host, GRADIENTS, taskGradients());
    sums = scratch(host, SUMS, division.slices * sliceSums());
    images.zeros = zerosScratch<Number>(host, max(inputs(), outputs()));
    if (!pixels.memory || !gradients.memory || !sums || !images.zeros) return Outcome::OUT_OF_MEMORY;
    parallelFor<AmxFilterGradient, &AmxFilterGradient::sum>(host, division.slices * division.groups, *this);
    parallelFor<AmxFilterGradient, &AmxFilterGradient::write>(host, division.inputTiles * outputTiles(), *this);
    return Outcome::DONE;
  }
};

template <typename Number>
Outcome amxFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy,
                          float *dfilter) {
  if (conv.n * conv.h * conv.w > 0) return AmxFilterGradient<Number>(host, conv, x, dy, dfilter).run();
  for (long i = 0; i < conv.kernel * conv.kernel * conv.inputs * conv.outputs; i++) dfilter[i] = 0;
  return Outcome::DONE;
}

}  // namespace
}  // namespace pefd
