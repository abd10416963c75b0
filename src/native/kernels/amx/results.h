// Where results are written, and what follows them.
#pragma once

#include "../kernels.h"
#include "units.h"

namespace pefd {
namespace {

// Some results of images [n, height, width, channels]: row i and column j of them are pixel (row + step * i, column +
// step * j).
struct Results {
  float *images;
  long height, width, channels, step;
  Epilogue epilogue;

  // Writes `count` results from number `first` on, of rows of `columns`; what lies outside of the image is left out.
  void write(long image, long row, long column, long columns, long first, long count, long channel, long width32,
             const float *sums) const {
    long i = first / columns, j = first % columns;
    for (long p = 0; p < count; p++, j++) {
      if (j == columns) j = 0, i++;
      const long y = row + step * i, x = column + step * j;
      if (y >= height || x >= width) continue;
      const long at = ((image * height + y) * width + x) * channels + channel;
      for (long c = 0; c < width32; c += WIDTH) writeVector(at + c, channel + c, load(sums + p * BLOCK + c));
    }
  }

 private:
  // The same roundings as one op after the other.
  inline void writeVector(long at, long channel, Vector value) const {
    if (epilogue.bias != nullptr) value += load(epilogue.bias + channel);
    if (epilogue.image != nullptr) value += load(epilogue.image + at);
    if (epilogue.relu) value = value < 0 ? Vector{} : value;  // a NaN stays one
    if (epilogue.features != nullptr) value *= load(epilogue.features + at) > 0 ? Vector{} + 1 : Vector{};
    pefd::store(images + at, value);
  }
};

}  // namespace
}  // namespace pefd
