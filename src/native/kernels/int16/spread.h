// Which images whole numbers serve. All channels of a pixel share a unit, and so do those of a filter's column: where some
// channels of an image are large and the filter makes up for it by small taps, and for small channels by large taps, both round
// away what counts. With channels of lengths x and taps of lengths w the error is K times as large as with equal channels,
//   K^2 = mean(x^2) mean(w^2) / mean(x^2 w^2),
// and such an image is convolved in float32.
#pragma once

#include "../tiled/algorithms.h"
#include "../tiled/forward.h"
#include "units.h"

namespace pefd {
namespace {

// The largest K^2 of whole numbers. Trained networks had K up to 1.1 (docs/adr/0024).
constexpr double MOST_SPREAD = 16;
// Vectors of a row's taps, and pixels of an image, that lengths are told from.
constexpr long SOME_TAPS = 8, SOME_PIXELS = 16;

inline double sumOf(Vector of) {
  double sum = 0;
  for (long i = 0; i < WIDTH; i++) sum += of[i];
  return sum;
}

// The rows of a filter by what they are multiplied with: the squares of their lengths, told from some of their taps.
struct RowSquares {
  float *squares;
  long rows;
  double mean;
  // Whether there may be images that whole numbers do not serve: K^2 is at most the mean over the least.
  bool maySpread;
};

// Of a filter's taps as they lie: a row's columns side by side, or, where they are turned, a column's rows.
template <long TAPS>
RowSquares rowSquaresOf(const Taps &taps, float *squares) {
  const long rows = taps.rows, columns = taps.columns;
  if (taps.turned) {
    for (long r = 0; r < rows; r += WIDTH) store(squares + r, Vector{});
    for (long i = 0; i < SOME_TAPS * WIDTH; i++) {
      const float *from = taps.filter + (i % TAPS * columns + i * columns / (SOME_TAPS * WIDTH)) * rows;
      for (long r = 0; r < rows; r += WIDTH) {
        const Vector value = load(from + r);
        store(squares + r, multiplyAdd(value, value, load(squares + r)));
      }
    }
  } else {
    for (long r = 0; r < rows; r += WIDTH) {
      Vector sums[WIDTH] = {};
      for (long j = 0; j < WIDTH; j++) {
        for (long i = 0; i < SOME_TAPS; i++) {
          const long tap = (4 * i + r / WIDTH) % TAPS, column = i * (columns / WIDTH) / SOME_TAPS * WIDTH;
          const Vector value = load(taps.filter + (tap * rows + r + j) * columns + column);
          sums[j] = multiplyAdd(value, value, sums[j]);
        }
      }
      store(squares + r, sumsAcross(sums));
    }
  }
  Vector sum = {}, least = load(squares);
  for (long r = 0; r < rows; r += WIDTH) {
    const Vector value = load(squares + r);
    sum += value;
    least = value < least ? value : least;
  }
  float smallest = least[0];
  for (long i = 1; i < WIDTH; i++) smallest = least[i] < smallest ? least[i] : smallest;
  const double mean = sumOf(sum) / static_cast<double>(rows);
  return {squares, rows, mean, mean > MOST_SPREAD * smallest};
}

// Whether float32 is for an image of so many pixels.
template <typename Number>
bool isSpread(const RowSquares &filter, const Number *image, long pixels) {
  const long some = min(SOME_PIXELS, pixels), step = pixels / some;
  Vector all = {}, weighted = {};
  for (long c = 0; c < filter.rows; c += WIDTH) {
    Vector squares = {};
    for (long i = 0; i < some; i++) {
      const Vector value = load(image + (i * step + 5 * i % step) * filter.rows + c);
      squares = multiplyAdd(value, value, squares);
    }
    all += squares;
    weighted = multiplyAdd(squares, load(filter.squares + c), weighted);
  }
  return sumOf(all) * filter.mean > MOST_SPREAD * sumOf(weighted);
}

// Runs a convolution of images `from` [n, ..., taps.rows], of so many pixels each, to images of so many numbers: `inIntegers`,
// or, for runs of images that whole numbers do not serve, `inFloats`. What is done with an image depends on no other.
template <typename Number, typename Run, typename Other>
Outcome byImages(const Host &host, const Convolution &conv, const Taps &taps, const Number *from, long pixels,
                 EpilogueOf<Number> epilogue, Number *to, long numbers, const Run &inIntegers, const Other &inFloats) {
  float *squares = scratch(host, ROW_SQUARES, taps.rows);
  if (squares == nullptr) return Outcome::OUT_OF_MEMORY;
  const RowSquares rows = conv.kernel == 3 ? rowSquaresOf<9>(taps, squares) : rowSquaresOf<1>(taps, squares);
  if (!rows.maySpread || pixels == 0) return inIntegers(conv, from, epilogue, to);
  const auto isSpreadAt = [&](long i) { return isSpread(rows, from + i * pixels * taps.rows, pixels); };
  Outcome outcome = Outcome::DONE;
  for (long first = 0, end; first < conv.n; first = end) {
    const bool spread = isSpreadAt(first);
    for (end = first + 1; end < conv.n && isSpreadAt(end) == spread;) end++;
    Convolution some = conv;
    some.n = end - first;
    EpilogueOf<Number> after = epilogue;
    if (epilogue.image != nullptr) after.image += first * numbers;
    if (epilogue.features != nullptr) after.features += first * numbers;
    const Number *images = from + first * pixels * taps.rows;
    const Outcome ended = spread ? inFloats(some, images, after, to + first * numbers)
                                 : inIntegers(some, images, after, to + first * numbers);
    if (ended == Outcome::OUT_OF_MEMORY) return ended;
    if (spread) outcome = Outcome::DONE_IN_FLOATS;
  }
  return outcome;
}

}  // namespace
}  // namespace pefd
