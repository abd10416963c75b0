// AMX wgrad: 2x3 accumulator tiles, two tiles of output channels by the three taps of a filter column.
#pragma once

#include <type_traits>

#include "../prefetch.h"
#include "tiles.h"
#include "wgrad_operands.h"

namespace pefd {
namespace {

constexpr long MAX_ROWS = 2, MAX_COLUMNS = 3;

// float32 numbers of a tile.
constexpr long TILE_SUMS = TILE_SIDE * TILE_SIDE;

// Up to 2x3 accumulators in tiles 0 to 5; operands use tiles 6 and 7, which the CPU renames. 2x3 take seven loads for
// six products, 2x2 four for four; but the three columns overlap in memory, so only three of the seven loads miss L1.
template <int M, int N>
struct Accumulators2x3 {
  AmxTiles &amx;

  void zero() const {
    eachTile([&](auto tile, long /*m*/, long /*n*/) { amx.zero<decltype(tile)::value>(); });
  }
  void load(float *const (&from)[MAX_ROWS][MAX_COLUMNS]) const {
    eachTile([&](auto tile, long m, long n) { amx.load<decltype(tile)::value>(from[m][n], ROW_BYTES); });
  }
  void store(float *const (&to)[MAX_ROWS][MAX_COLUMNS]) const {
    eachTile([&](auto tile, long m, long n) { amx.store<decltype(tile)::value>(to[m][n], ROW_BYTES); });
  }

  // Accumulates `depths` products. `rowsOn` and `columnsOn` are offsets of the operands. Returns the remaining
  // prefetches.
  WgradPrefetch add(const Bfloat16 *const (&rows)[MAX_ROWS], long rowsOn, const Bfloat16 *const (&columns)[MAX_COLUMNS],
                    long columnsOn, long depths, WgradPrefetch prefetch) const {
    // Copies, to keep them in registers: tile loads clobber memory for the compiler.
    const Bfloat16 *const a0 = rows[0] + rowsOn, *const a1 = rows[M - 1] + rowsOn;
    const Bfloat16 *const b0 = columns[0] + columnsOn, *const b1 = columns[N > 1] + columnsOn;
    const Bfloat16 *const b2 = columns[N - 1] + columnsOn;
    for (long at = 0; at < depths * TILE_NUMBERS; at += TILE_NUMBERS) {
      prefetch.fetch();
      amx.load<ROWS>(a0 + at, ROW_BYTES);
      addColumn<0>(b0 + at);
      if (N > 1) addColumn<1>(b1 + at);
      if (N > 2) addColumn<2>(b2 + at);
      if (M == 1) continue;
      // The last column is still loaded, so the second row starts there.
      amx.load<ROWS>(a1 + at, ROW_BYTES);
      amx.multiply<MAX_COLUMNS + N - 1, ROWS, COLUMNS>();
      if (N > 2) addColumn<MAX_COLUMNS + 1>(b1 + at);
      if (N > 1) addColumn<MAX_COLUMNS>(b0 + at);
    }
    return prefetch;
  }

 private:
  static constexpr int ROWS = 6, COLUMNS = 7;

  template <int SUMS>
  inline void addColumn(const Bfloat16 *column) const {
    amx.load<COLUMNS>(column, ROW_BYTES);
    amx.multiply<SUMS, ROWS, COLUMNS>();
  }

  template <typename Each>
  inline void eachTile(Each each) const {
    each(std::integral_constant<int, 0>{}, 0, 0);
    if (N > 1) each(std::integral_constant<int, 1>{}, 0, 1);
    if (N > 2) each(std::integral_constant<int, 2>{}, 0, 2);
    if (M == 1) return;
    each(std::integral_constant<int, 3>{}, 1, 0);
    if (N > 1) each(std::integral_constant<int, 4>{}, 1, 1);
    if (N > 2) each(std::integral_constant<int, 5>{}, 1, 2);
  }
};

// Calls `run` with so many tiles of rows and columns.
template <typename Run>
inline void withAccumulators2x3(AmxTiles &amx, long rows, long columns, Run run) {
  if (rows > 1) {
    columns > 2   ? run(Accumulators2x3<2, 3>{amx})
    : columns > 1 ? run(Accumulators2x3<2, 2>{amx})
                  : run(Accumulators2x3<2, 1>{amx});
  } else {
    columns > 2   ? run(Accumulators2x3<1, 3>{amx})
    : columns > 1 ? run(Accumulators2x3<1, 2>{amx})
                  : run(Accumulators2x3<1, 1>{amx});
  }
}

// Each task sums a slice of the batch for some input channels in private memory, and converts its operands itself, so
// threads share nothing that is written. Slices are added at the end, in order.
template <typename Number>
struct AmxFilterGradient {
  const Host &host;
  const ReceptiveField field;
  const Blocking blocking;
  const Bands bands;
  Images<Number> images;
  float *const dfilter;
  // Per thread: both operands of some bands.
  WorkerMemory pixels = {}, gradients = {};
  float *sums = nullptr;

  AmxFilterGradient(const Host &host, const Convolution &conv, const Number *x, const Number *dy, float *dfilter)
      : host(host),
        field(forwardField(conv.kernel, conv.stride)),
        blocking(blockingOf(conv, field)),
        bands(conv, field, blocking.bandsOfImage),
        images{x, dy, nullptr},
        dfilter(dfilter) {}

  long taps() const { return field.count * field.count; }
  bool isOneTap() const { return field.count == 1; }
  long inputs() const { return bands.conv.inputs; }
  long outputs() const { return bands.conv.outputs; }
  long outputTiles() const { return outputs() / TILE_SIDE; }
  long sliceSums() const { return taps() * inputs() * outputs(); }
  // Of the bands that a task holds at once.
  long bandPixels() const { return bands.pixelNumbers(blocking.mostTiles() * TILE_SIDE); }
  long taskPixels() const { return blocking.bandsAtOnce * bandPixels(); }
  long taskGradients() const { return blocking.bandsAtOnce * bands.gradientNumbers(); }

  // Some bands, some tiles of input channels, and their memory.
  struct Part {
    long firstBand, bandCount, nextCount, firstTile, tileCount;
    Bfloat16 *pixels, *gradients;
    float *sums;
    bool isFirst;
  };

  void sum(long index, long worker) const {
    const long slice = index / blocking.groups, group = index % blocking.groups;
    const auto firstBand = [&](long slice) { return bands.count() * slice / blocking.slices; };
    const long firstTile = blocking.firstTile(group), end = firstBand(slice + 1);
    Part part{firstBand(slice),
              0,
              0,
              firstTile,
              blocking.firstTile(group + 1) - firstTile,
              bfloat16sOf(pixels, worker),
              bfloat16sOf(gradients, worker),
              sums + slice * sliceSums(),
              true};
    AmxTiles amx;
    for (; part.firstBand < end; part.firstBand += part.bandCount, part.isFirst = false) {
      part.bandCount = min(blocking.bandsAtOnce, end - part.firstBand);
      part.nextCount = min(blocking.bandsAtOnce, end - part.firstBand - part.bandCount);
      convert(part);
      multiply(amx, part);
    }
  }

  void convert(const Part &part) const {
    for (long b = 0; b < part.bandCount; b++) {
      const Bands::Band band = bands.at(part.firstBand + b);
      bands.convertPixels(images, band, part.firstTile * TILE_SIDE, part.tileCount * TILE_SIDE,
                          part.pixels + b * bandPixels());
      bands.convertGradients(images, band, part.gradients + b * bands.gradientNumbers());
    }
  }

  // The accumulators: one or two tiles of outputs, by a tile of inputs with the taps of one filter column, or, for 1x1,
  // by several tiles of inputs.
  struct Block {
    long output, outputs, input, column, columns;
  };

  // Tiles of inputs, or sets of several for 1x1.
  long setsOf(const Part &part) const { return isOneTap() ? ceilDivide(part.tileCount, MAX_COLUMNS) : part.tileCount; }

  void multiply(AmxTiles &amx, const Part &part) const {
    WgradPrefetch prefetch = prefetchOf(part);
    const long sets = setsOf(part);
    for (long set = 0; set < sets; set++) {
      const long input = part.tileCount * set / sets, inputs = part.tileCount * (set + 1) / sets - input;
      for (long column = 0; column < field.count; column++) {
        for (long output = 0; output < outputTiles(); output += MAX_ROWS) {
          const long outputs = min(MAX_ROWS, outputTiles() - output);
          const Block block = {output, outputs, input, column, isOneTap() ? inputs : field.count};
          withAccumulators2x3(amx, block.outputs, block.columns,
                              [&](auto accumulators) { multiply(accumulators, part, block, prefetch); });
        }
      }
    }
  }

  // Prefetches the operands that are converted next, if they are contiguous.
  WgradPrefetch prefetchOf(const Part &part) const {
    const Bands::Band next = bands.at(part.firstBand + part.bandCount);
    const Convolution &conv = bands.conv;
    const long blocks = setsOf(part) * field.count * ceilDivide(outputTiles(), MAX_ROWS);
    const long steps = part.bandCount * bands.depths * blocks;
    const long row = conv.w * inputs(), resultRow = bands.resultColumns() * outputs();
    const Number *x = images.x + (next.image * conv.h + next.row * conv.stride) * row;
    const Number *dy = images.dy + (next.image * bands.resultRows() + next.row) * resultRow;
    const long rows = min(part.nextCount * bands.rows, (conv.n - next.image) * bands.resultRows() - next.row);
    WgradPrefetch prefetch;
    if (blocking.groups == 1) prefetch.x = PrefetchStream({x, rows * conv.stride * row}, steps);
    prefetch.dy = PrefetchStream({dy, rows * resultRow}, steps);
    return prefetch;
  }

  template <int M, int N>
  void multiply(const Accumulators2x3<M, N> &accumulators, const Part &part, const Block &block,
                WgradPrefetch &prefetch) const {
    const Bfloat16 *rows[MAX_ROWS], *columns[MAX_COLUMNS];
    float *to[MAX_ROWS][MAX_COLUMNS];
    for (long m = 0; m < M; m++) rows[m] = part.gradients + (block.output + m) * bands.depths * TILE_NUMBERS;
    for (long n = 0; n < N; n++) {
      const long tile = block.input + (isOneTap() ? n : 0), row = isOneTap() ? 0 : n;
      const ShiftedCopies::Place seen = bands.copies.of(field.first[row], field.first[block.column]);
      columns[n] =
          part.pixels + (tile * bands.copies.count() + seen.copy) * bands.copyNumbers() + seen.pixel * TILE_SIDE;
      for (long m = 0; m < M; m++) {
        to[m][n] = tileOf(part.sums, part.firstTile + tile, block.output + m, row * field.count + block.column);
      }
    }
    part.isFirst ? accumulators.zero() : accumulators.load(to);
    for (long b = 0; b < part.bandCount; b++) {
      prefetch = accumulators.add(rows, b * bands.gradientNumbers(), columns, b * bandPixels(), bands.depths, prefetch);
    }
    accumulators.store(to);
  }

  // Sums of a tile of a slice: [outputs][inputs].
  float *tileOf(float *ofSlice, long input, long output, long tap) const {
    return ofSlice + ((input * outputTiles() + output) * taps() + tap) * TILE_SUMS;
  }

  // Adds up the slices of one tile of inputs and one of outputs, and stores them transposed.
  void write(long index, long /*worker*/) const {
    const long input = index / outputTiles(), output = index % outputTiles();
    for (long tap = 0; tap < taps(); tap++) {
      Words words[TILE_SIDE];
      for (long r = 0; r < TILE_SIDE; r++) {
        const float *from = tileOf(sums, input, output, tap) + r * TILE_SIDE;
        Vector sum = load(from);
        for (long slice = 1; slice < blocking.slices; slice++) sum += load(from + slice * sliceSums());
        words[r] = reinterpret_cast<Words>(sum);
      }
      transpose(words);
      float *to = dfilter + (tap * inputs() + input * TILE_SIDE) * outputs() + output * TILE_SIDE;
      for (long r = 0; r < TILE_SIDE; r++) pefd::store(to + r * outputs(), reinterpret_cast<Vector>(words[r]));
    }
  }

  Outcome run() {
    pixels = bfloat16WorkerScratch(host, PLANES, taskPixels());
    gradients = bfloat16WorkerScratch(host, GRADIENTS, taskGradients());
    sums = scratch(host, SUMS, blocking.slices * sliceSums());
    images.zeros = zerosScratch<Number>(host, max(inputs(), outputs()));
    if (!pixels.memory || !gradients.memory || !sums || !images.zeros) return Outcome::OUT_OF_MEMORY;
    parallelFor<AmxFilterGradient, &AmxFilterGradient::sum>(host, blocking.slices * blocking.groups, *this);
    parallelFor<AmxFilterGradient, &AmxFilterGradient::write>(host, blocking.inputTiles * outputTiles(), *this);
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
