// AMX forward and dgrad as implicit GEMMs: 2x2 accumulator tiles over a zero-padded bfloat16 copy of a band of rows.
// dgrad convolves with transposed weights, one convolution per phase of the stride.
#pragma once

#include <type_traits>

#include "../common.h"
#include "../winograd/packed_weights.h"
#include "receptive_field.h"
#include "tiles.h"

namespace pefd {
namespace {

constexpr long paddedChannels(long channels) { return ceilDivide(channels, TILE_DEPTH) * TILE_DEPTH; }

// Converts a pixel to bfloat16, zero-padded; zeros for none.
template <typename Number>
void convertPixel(const Number *from, long channels, Bfloat16 *to) {
  for (long c = 0; c < channels; c += TILE_DEPTH)
    store(to + c, from ? concatenated(from + c, c + WIDTH < channels) : Words{});
}

// Converts the copies of the rows from `firstRow` on, [copies][pixels][channels]. Channels are multiples of TILE_DEPTH.
template <typename Number>
void copyImage(const Source<Number> &source, const ShiftedCopies &copies, long firstRow, Bfloat16 *to) {
  const long padded = paddedChannels(source.channels);
  for (long i = 0; i < copies.rows.count; i++) {
    for (long j = 0; j < copies.columns.count; j++) {
      Bfloat16 *pixel = to + (i * copies.columns.count + j) * copies.pixels() * padded;
      for (long r = 0; r < copies.resultRows + copies.rows.further(); r++) {
        const long row = copies.rows.first[i] + copies.rows.step * (firstRow + r);
        for (long c = 0; c < copies.rowPixels; c++, pixel += padded) {
          const long column = copies.columns.first[j] + copies.columns.step * c;
          convertPixel(source.at(row, column), source.channels, pixel);
        }
      }
    }
  }
}

// Weights [taps][rows][columns], transposed for dgrad, packed as tiles: per block of columns, tap and TILE_DEPTH rows
// one or two, whose rows hold pairs.
struct PackedWeights {
  const float *const filter;
  const long taps, rows, columns;
  const bool isTransposed;
  Bfloat16 *packed;

  long blocks() const { return ceilDivide(columns, BLOCK); }
  long depths() const { return ceilDivide(rows, TILE_DEPTH); }
  // Tiles of a block of columns; the last block may have one.
  long tilesOf(long block) const { return min(2, columns / TILE_SIDE - 2 * block); }
  Bfloat16 *at(long block, long tap) const {
    return packed + depths() * TILE_NUMBERS * (2 * block * taps + tilesOf(block) * tap);
  }

  static long numbers(long taps, long rows, long columns) { return taps * paddedChannels(rows) * columns; }

  void pack(long index, long /*worker*/) const {
    const long block = index / taps, tap = index % taps, tiles = tilesOf(block);
    Bfloat16 *to = at(block, tap);
    for (long d = 0; d < depths(); d++) {
      for (long t = 0; t < tiles; t++, to += TILE_NUMBERS) {
        const long row = d * TILE_DEPTH, column = (2 * block + t) * TILE_SIDE;
        const float *from = filter + tap * rows * columns;
        isTransposed ? packTransposed(from + column * rows + row, rows - row, to)
                     : packRows(from + row * columns + column, rows - row, to);
      }
    }
  }

  // A tile of weights as stored.
  void packRows(const float *from, long left, Bfloat16 *to) const {
    for (long r = 0; r < TILE_DEPTH; r += 2) {
      const Vector first = r < left ? load(from + r * columns) : Vector{};
      const Vector second = r < left ? load(from + (r + 1) * columns) : Vector{};
      store(to + r * TILE_SIDE, interleaved(first, second));
    }
  }

  // A tile of transposed weights.
  void packTransposed(const float *from, long left, Bfloat16 *to) const {
    Words words[TILE_SIDE];
    for (long c = 0; c < TILE_SIDE; c++) {
      const float *line = from + c * rows;
      words[c] = concatenated(load(line), left > WIDTH ? load(line + WIDTH) : Vector{});
    }
    transpose(words);
    for (long r = 0; r < TILE_SIDE; r++) store(to + r * TILE_DEPTH, words[r]);
  }

  void run(const Host &host) const { parallelFor<PackedWeights, &PackedWeights::pack>(host, blocks() * taps, *this); }
};

// Up to 2x2 accumulators in tiles 0 to 3; operands are loaded into tiles 4 to 7. In memory sums are [M *
// TILE_SIDE][BLOCK], of which N * TILE_SIDE columns are used.
template <int M, int N>
struct Accumulators2x2 {
  AmxTiles &amx;

  void zero() const {
    eachTile([&](auto tile, long /*at*/) { amx.zero<decltype(tile)::value>(); });
  }
  void store(float *to) const {
    eachTile([&](auto tile, long at) { amx.store<decltype(tile)::value>(to + at, SUMS_BYTES); });
  }

  // Accumulates products over TILE_DEPTH channels.
  inline void add(const Bfloat16 *firstRows, const Bfloat16 *secondRows, long rowBytes, const Bfloat16 *firstColumns,
                  const Bfloat16 *secondColumns) const {
    amx.load<6>(firstColumns, ROW_BYTES);
    amx.load<4>(firstRows, rowBytes);
    amx.multiply<0, 4, 6>();
    if (N > 1) {
      amx.load<7>(secondColumns, ROW_BYTES);
      amx.multiply<1, 4, 7>();
    }
    if (M > 1) {
      amx.load<5>(secondRows, rowBytes);
      amx.multiply<2, 5, 6>();
    }
    if (M > 1 && N > 1) amx.multiply<3, 5, 7>();
  }

 private:
  static constexpr long SUMS_BYTES = BLOCK * sizeof(float);

  template <typename Each>
  inline void eachTile(Each each) const {
    each(std::integral_constant<int, 0>{}, 0);
    if (N > 1) each(std::integral_constant<int, 1>{}, TILE_SIDE);
    if (M > 1) each(std::integral_constant<int, 2>{}, TILE_SIDE * BLOCK);
    if (M > 1 && N > 1) each(std::integral_constant<int, 3>{}, TILE_SIDE * BLOCK + TILE_SIDE);
  }
};

// Calls `run` with one or two tiles of rows and of columns.
template <typename Run>
inline void withAccumulators2x2(AmxTiles &amx, bool areTwoRows, bool areTwoColumns, Run run) {
  if (areTwoRows) {
    areTwoColumns ? run(Accumulators2x2<2, 2>{amx}) : run(Accumulators2x2<2, 1>{amx});
  } else {
    areTwoColumns ? run(Accumulators2x2<1, 2>{amx}) : run(Accumulators2x2<1, 1>{amx});
  }
}

// Two operands of TILE_SIDE pixels each, and for each tap the offset of the pixels that it reads, and its weight tiles.
struct GemmOperands {
  const Bfloat16 *first, *second;
  long pixelBytes, depths, taps;
  const long *tapOffset;
  const Bfloat16 *const *tiles;
};

// sums[pixels][BLOCK], summed over taps and channels.
template <int M, int N>
inline void multiplyTiles(const Accumulators2x2<M, N> &accumulators, const GemmOperands &of, float *sums) {
  accumulators.zero();
  for (long tap = 0; tap < of.taps; tap++) {
    const Bfloat16 *first = of.first + of.tapOffset[tap], *second = of.second + of.tapOffset[tap], *b = of.tiles[tap];
    for (long d = 0; d < of.depths; d++, first += TILE_DEPTH, second += TILE_DEPTH, b += N * TILE_NUMBERS) {
      accumulators.add(first, second, of.pixelBytes, b, b + TILE_NUMBERS);
    }
  }
  accumulators.store(sums);
}

// Outputs [n, height, width, channels]: row i and column j are pixel (row + step * i, column + step * j).
template <typename Number>
struct AmxOutput {
  Number *images;
  long height, width, channels, step;
  EpilogueOf<Number> epilogue;

  // Rows of `columns` outputs of one image, the first of which is pixel (row, column).
  struct Part {
    long image, row, column, columns;
  };
  // A range of outputs and channels.
  struct Block {
    long first, count, channel, channels;
  };

  // Applies the epilogue to sums [count][BLOCK] and stores them; pixels outside of the image are skipped.
  void write(const Part &part, const Block &block, const float *sums) const {
    const Lanes lanes(WIDTH);
    long i = block.first / part.columns, j = block.first % part.columns;
    for (long p = 0; p < block.count; p++, j++) {
      if (j == part.columns) j = 0, i++;
      const long y = part.row + step * i, x = part.column + step * j;
      if (y >= height || x >= width) continue;
      const long at = ((part.image * height + y) * width + x) * channels + block.channel;
      for (long c = 0; c < block.channels; c += WIDTH) {
        const Vector bias = biasOf(epilogue, lanes, block.channel + c), value = load(sums + p * BLOCK + c);
        pefd::store(images + at + c, applyEpilogue(epilogue, lanes, at + c, bias, value));
      }
    }
  }
};

// Bytes of the bfloat16 copy of a band.
constexpr long BAND_BYTES = 512 << 10;
constexpr long MAX_PHASES = 4;

// A phase of the stride: its first output pixel and receptive fields.
struct Phase {
  long row, column;
  ReceptiveField rows, columns;
};

template <typename Number>
struct AmxConvolution {
  const Host &host;
  const long n;
  const Source<Number> source;
  const AmxOutput<Number> results;
  const Phase *const phases;
  const long phaseCount;
  // The union of all phases' receptive fields, along rows and columns alike.
  const ReceptiveField allFields;
  PackedWeights taps;
  const long kernel;
  long bands = 0;
  // Per thread: the copies of a band.
  WorkerMemory images = {};

  long resultRows() const { return ceilDivide(results.height, results.step); }
  long resultColumns() const { return ceilDivide(results.width, results.step); }
  long firstRow(long band) const { return resultRows() * band / bands; }

  // Rows of a multiple of 16 outputs are whole tiles; shorter ones share tiles, and need a shifted copy per filter
  // column.
  ShiftedCopies copiesOf(long rows) const {
    const bool perTap = resultColumns() % TILE_SIDE != 0;
    return {CopyLines(allFields, false), CopyLines(allFields, perTap), rows, resultColumns()};
  }

  // All outputs of a band of rows.
  void band(long index, long worker) const {
    const long image = index / bands, band = index % bands, first = firstRow(band), rows = firstRow(band + 1) - first;
    if (rows == 0) return;
    const ShiftedCopies copies = copiesOf(rows);
    Bfloat16 *copied = bfloat16sOf(images, worker);
    Source<Number> one = source;
    one.pixels += image * source.height * source.width * source.channels;
    copyImage(one, copies, first, copied);
    AmxTiles amx;
    for (long p = 0; p < phaseCount; p++) {
      const Phase &phase = phases[p];
      const typename AmxOutput<Number>::Part part = {image, phase.row + results.step * first, phase.column,
                                                     copies.resultColumns};
      for (long block = 0; block < taps.blocks(); block++) multiply(amx, copies, copied, phase, part, block);
    }
  }

  // One phase and one block of output channels.
  void multiply(AmxTiles &amx, const ShiftedCopies &copies, const Bfloat16 *copied, const Phase &phase,
                const typename AmxOutput<Number>::Part &part, long block) const {
    const long padded = paddedChannels(source.channels), count = copies.resultRows * copies.resultColumns;
    long tapOffset[MAX_TAPS * MAX_TAPS];
    const Bfloat16 *tiles[MAX_TAPS * MAX_TAPS];
    long seen = 0;
    for (long i = 0; i < phase.rows.count; i++) {
      for (long j = 0; j < phase.columns.count; j++, seen++) {
        const ShiftedCopies::Place place = copies.of(phase.rows.first[i], phase.columns.first[j]);
        tapOffset[seen] = (place.copy * copies.pixels() + place.pixel) * padded;
        tiles[seen] = taps.at(block, phase.rows.tap[i] * kernel + phase.columns.tap[j]);
      }
    }
    const auto pixelOf = [&](long result) {
      return copied + (result / copies.resultColumns * copies.rowPixels + result % copies.resultColumns) * padded;
    };
    alignas(64) float sums[BLOCK * BLOCK];
    const long columns = taps.tilesOf(block) * TILE_SIDE, pixelBytes = padded * long{sizeof(Bfloat16)};
    for (long result = 0; result < count; result += BLOCK) {
      const bool areTwo = count - result > TILE_SIDE;
      const Bfloat16 *first = pixelOf(result), *second = areTwo ? pixelOf(result + TILE_SIDE) : first;
      const GemmOperands operands = {first, second, pixelBytes, taps.depths(), seen, tapOffset, tiles};
      withAccumulators2x2(amx, areTwo, columns > TILE_SIDE,
                          [&](auto accumulators) { multiplyTiles(accumulators, operands, sums); });
      results.write(part, {result, min(BLOCK, count - result), block * BLOCK, columns}, sums);
    }
  }

  Outcome run() {
    if (n * results.height * results.width == 0) return Outcome::DONE;
    const long padded = paddedChannels(source.channels);
    const ShiftedCopies row = copiesOf(1);
    const long rowBytes = row.count() * row.rowPixels * padded * long{sizeof(Bfloat16)};
    const long fewest = ceilDivide(resultRows(), max(1, BAND_BYTES / rowBytes));
    bands = min(resultRows(), max(fewest, ceilDivide(2 * host.workers, n)));
    const ShiftedCopies most = copiesOf(ceilDivide(resultRows(), bands));
    const long packedNumbers = PackedWeights::numbers(taps.taps, taps.rows, taps.columns);
    taps.packed = bfloat16Scratch(host, PACKED, packedNumbers);
    images = bfloat16WorkerScratch(host, PLANES, most.count() * most.pixels() * padded);
    if (!taps.packed || !images.memory) return Outcome::OUT_OF_MEMORY;
    taps.run(host);
    parallelFor<AmxConvolution, &AmxConvolution::band>(host, n * bands, *this);
    return Outcome::DONE;
  }
};

template <typename Number>
Outcome amxForward(const Host &host, const Convolution &conv, const Number *x, const float *filter,
                   EpilogueOf<Number> epilogue, Number *y) {
  const ReceptiveField field = forwardField(conv.kernel, conv.stride);
  const Phase phase = {0, 0, field, field};
  const AmxOutput<Number> results = {
      y, ceilDivide(conv.h, conv.stride), ceilDivide(conv.w, conv.stride), conv.outputs, 1, epilogue};
  return AmxConvolution<Number>{host,
                                conv.n,
                                {x, conv.h, conv.w, conv.inputs},
                                results,
                                &phase,
                                1,
                                field,
                                {filter, conv.kernel * conv.kernel, conv.inputs, conv.outputs, false, nullptr},
                                conv.kernel}
      .run();
}

template <typename Number>
Outcome amxInputGradient(const Host &host, const Convolution &conv, const float *filter, const Number *dy,
                         EpilogueOf<Number> epilogue, Number *dx) {
  Phase phases[MAX_PHASES];
  long count = 0;
  for (long row = 0; row < conv.stride; row++) {
    for (long column = 0; column < conv.stride; column++) {
      phases[count++] = {row, column, dgradField(conv.kernel, conv.stride, row),
                         dgradField(conv.kernel, conv.stride, column)};
    }
  }
  const ReceptiveField &seen = phases[count - 1].rows.count > 0 ? phases[count - 1].rows : phases[0].rows;
  const AmxOutput<Number> results = {dx, conv.h, conv.w, conv.inputs, conv.stride, epilogue};
  return AmxConvolution<Number>{host,
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
