// Where results are written, and what follows them.
#pragma once

#include "../common.h"
#include "units.h"

namespace pefd {
namespace {

// Some results of images [n, height, width, channels]: row i and column j of them are pixel (row + step * i, column +
// step * j).
template <typename Number>
struct Results {
  Number *images;
  long height, width, channels, step;
  EpilogueOf<Number> epilogue;

  // Results of one image in rows of `columns`, the first of which is pixel (row, column).
  struct Part {
    long image, row, column, columns;
  };
  // Some channels of some results, by their numbers.
  struct Block {
    long first, count, channel, channels;
  };

  // Writes a block from sums [count][BLOCK]; what lies outside of the image is left out.
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
        pefd::store(images + at + c, followed(epilogue, lanes, at + c, bias, value));
      }
    }
  }
};

}  // namespace
}  // namespace pefd
