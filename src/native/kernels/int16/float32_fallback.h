// Float32 fallback for images whose channel scales spread too far for int16. All channels of a pixel share a scale, and
// so do those of a weight column: if large activations meet small weights and small ones large weights, both round away
// what counts. With channel norms x and weight row norms w the error grows by K,
// K^2 = mean(x^2) mean(w^2) / mean(x^2 w^2).
#pragma once

#include "../winograd/forward.h"
#include "../winograd/transforms.h"
#include "quantize.h"

namespace pefd {
namespace {

// The largest K^2 for int16. Trained networks had K up to 1.1 (docs/kernels.md).
constexpr double MAX_SQUARED_SPREAD = 16;
// Vectors of a row's taps, and pixels of an image, that are sampled.
constexpr long SAMPLED_TAPS = 8, SAMPLED_PIXELS = 16;

inline double sumOf(Vector of) {
  double sum = 0;
  for (long i = 0; i < WIDTH; i++) sum += of[i];
  return sum;
}

// Squared norms of the weight rows, from sampled taps.
struct RowNorms {
  float *squares;
  long rows;
  double mean;
  // Whether K^2 can exceed the limit: it is at most mean over minimum.
  bool maySpread;
};

// Taps as they are stored; the transposed ones column by column.
template <long TAPS>
RowNorms rowNormsOf(const Taps &taps, float *squares) {
  const long rows = taps.rows, columns = taps.columns;
  if (taps.transposed) {
    for (long r = 0; r < rows; r += WIDTH) store(squares + r, Vector{});
    for (long i = 0; i < SAMPLED_TAPS * WIDTH; i++) {
      const float *from = taps.filter + (i % TAPS * columns + i * columns / (SAMPLED_TAPS * WIDTH)) * rows;
      for (long r = 0; r < rows; r += WIDTH) {
        const Vector value = load(from + r);
        store(squares + r, multiplyAdd(value, value, load(squares + r)));
      }
    }
  } else {
    for (long r = 0; r < rows; r += WIDTH) {
      Vector sums[WIDTH] = {};
      for (long j = 0; j < WIDTH; j++) {
        for (long i = 0; i < SAMPLED_TAPS; i++) {
          const long tap = (4 * i + r / WIDTH) % TAPS, column = i * (columns / WIDTH) / SAMPLED_TAPS * WIDTH;
          const Vector value = load(taps.filter + (tap * rows + r + j) * columns + column);
          sums[j] = multiplyAdd(value, value, sums[j]);
        }
      }
      store(squares + r, horizontalSums(sums));
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
  return {squares, rows, mean, mean > MAX_SQUARED_SPREAD * smallest};
}

// Whether an image needs float32.
template <typename Number>
bool isSpread(const RowNorms &filter, const Number *image, long pixels) {
  const long some = min(SAMPLED_PIXELS, pixels), step = pixels / some;
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
  return sumOf(all) * filter.mean > MAX_SQUARED_SPREAD * sumOf(weighted);
}

// Runs a convolution of images `from` [n, ..., taps.rows] with `pixels` pixels each, to images of `numbers` elements,
// `inInt16` or, for runs of images that need it, `inFloat32`. The decision depends on no other image.
template <typename Number, typename Run, typename Other>
Outcome withFloat32Fallback(const Host &host, const Convolution &conv, const Taps &taps, const Number *from,
                            long pixels, EpilogueOf<Number> epilogue, Number *to, long numbers, const Run &inInt16,
                            const Other &inFloat32) {
  float *squares = scratch(host, ROW_NORMS, taps.rows);
  if (squares == nullptr) return Outcome::OUT_OF_MEMORY;
  const RowNorms rows = conv.kernel == 3 ? rowNormsOf<9>(taps, squares) : rowNormsOf<1>(taps, squares);
  if (!rows.maySpread || pixels == 0) return inInt16(conv, from, epilogue, to);
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
    const Outcome ended = spread ? inFloat32(some, images, after, to + first * numbers)
                                 : inInt16(some, images, after, to + first * numbers);
    if (ended == Outcome::OUT_OF_MEMORY) return ended;
    if (spread) outcome = Outcome::DONE_IN_FLOAT32;
  }
  return outcome;
}

}  // namespace
}  // namespace pefd
