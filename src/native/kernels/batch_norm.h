// Batch normalisation in training and its gradient. Reductions over pixels are per block, merged in block order in
// double precision: the same bits for any number of threads.
#pragma once

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// Floats of a block, which stays in L1 while it is read twice.
constexpr long NORMALIZED_FLOATS = 1 << 13;
// Vectors of channels that are reduced side by side.
constexpr long SIDE_BY_SIDE = 4;

// Calls work.run<vectors>(lanes, channel) for all channels.
template <typename Work>
inline void onChannels(long channels, const Work &work) {
  long channel = 0;
  for (; channel + SIDE_BY_SIDE * WIDTH <= channels; channel += SIDE_BY_SIDE * WIDTH) {
    work.template run<SIDE_BY_SIDE>(Lanes(WIDTH), channel);
  }
  for (; channel + WIDTH <= channels; channel += WIDTH) work.template run<1>(Lanes(WIDTH), channel);
  if (channel < channels) work.template run<1>(Lanes(channels - channel), channel);
}

struct PixelBlock {
  long first, count;
};

struct PixelBlocks {
  const Normalization &shape;

  long perBlock() const { return max(1, NORMALIZED_FLOATS / shape.channels); }
  long count() const { return ceilDivide(shape.pixels, perBlock()); }
  PixelBlock at(long index) const {
    const long first = index * perBlock();
    return {first, min(perBlock(), shape.pixels - first)};
  }
};

// Consecutive vectors of channels.
template <long VECTORS>
struct ChannelVectors {
  Vector at[VECTORS] = {};

  void load(Lanes lanes, const float *from) {
    for (long v = 0; v < VECTORS; v++) at[v] = lanes.load(from + v * WIDTH);
  }
  void store(Lanes lanes, float *to) const {
    for (long v = 0; v < VECTORS; v++) lanes.store(to + v * WIDTH, at[v]);
  }
};

// Calls step(offset, v) for each pixel of a block and each vector v of channels.
template <long VECTORS, typename Step>
inline void onPixels(const PixelBlock &block, long channels, long channel, Step step) {
  const long start = block.first * channels + channel;
  for (long p = 0; p < block.count; p++) {
    for (long v = 0; v < VECTORS; v++) step(start + p * channels + v * WIDTH, v);
  }
}

// Two numbers per channel of each block, then three per channel in total.
struct ChannelNumbers {
  const long blocks, channels;
  float *const memory;

  static long floats(long blocks, long channels) { return (2 * blocks + 3) * channels; }
  float *first(long block) const { return memory + 2 * block * channels; }
  float *second(long block) const { return first(block) + channels; }
  float *whole(long number) const { return memory + (2 * blocks + number) * channels; }
};

// Their scratch memory; null if there is none.
inline ChannelNumbers channelNumbers(const Host &host, const PixelBlocks &blocks) {
  const long count = blocks.count(), channels = blocks.shape.channels;
  return {count, channels, scratch(host, SUMS, ChannelNumbers::floats(count, channels))};
}

// Doubles for a vector of channels.
struct Doubles {
  double of[WIDTH] = {};

  double &operator[](long lane) { return of[lane]; }
};

template <typename Number>
struct BatchNorm {
  const PixelBlocks blocks;
  const Number *const x;
  const ChannelStatistics &statistics;
  const float *const scale, *const offset;
  const float epsilon;
  const EpilogueOf<Number> epilogue;
  Number *const y;
  // Per block: mean and sum of squared deviations. In total: factor.
  const ChannelNumbers numbers;

  struct Moments {
    const BatchNorm &of;
    const PixelBlock block;
    float *const means, *const squares;

    template <long VECTORS>
    void run(Lanes lanes, long channel) const {
      const long channels = of.blocks.shape.channels;
      ChannelVectors<VECTORS> mean, square;
      onPixels<VECTORS>(block, channels, channel, [&](long at, long v) { mean.at[v] += lanes.load(of.x + at); });
      for (Vector &each : mean.at) each /= static_cast<float>(block.count);
      onPixels<VECTORS>(block, channels, channel, [&](long at, long v) {
        const Vector distance = lanes.load(of.x + at) - mean.at[v];
        square.at[v] = multiplyAdd(distance, distance, square.at[v]);
      });
      mean.store(lanes, means + channel);
      square.store(lanes, squares + channel);
    }
  };

  void moments(long index, long /*worker*/) const {
    onChannels(blocks.shape.channels, Moments{*this, blocks.at(index), numbers.first(index), numbers.second(index)});
  }

  // Merges the blocks' statistics for a vector of channels (Chan, Golub and LeVeque).
  void statisticsOf(long vector, long /*worker*/) const {
    const auto &[pixels, channels] = blocks.shape;
    const long channel = vector * WIDTH, lanes = min(WIDTH, channels - channel);
    Doubles mean, square;
    for (long b = 0; b < blocks.count(); b++) {
      const double count = static_cast<double>(blocks.at(b).count);
      for (long i = 0; i < lanes; i++) mean[i] += count * numbers.first(b)[channel + i];
    }
    for (long i = 0; i < lanes; i++) mean[i] /= static_cast<double>(pixels);
    for (long b = 0; b < blocks.count(); b++) {
      const double count = static_cast<double>(blocks.at(b).count);
      for (long i = 0; i < lanes; i++) {
        const double distance = numbers.first(b)[channel + i] - mean[i];
        square[i] += numbers.second(b)[channel + i] + count * distance * distance;
      }
    }
    for (long i = 0; i < lanes; i++) {
      const double inverse = 1 / __builtin_sqrt(square[i] / static_cast<double>(pixels) + epsilon);
      const long c = channel + i;
      statistics.mean[c] = static_cast<float>(mean[i]);
      statistics.variance[c] = static_cast<float>(square[i] / static_cast<double>(max(1, pixels - 1)));
      statistics.inverse[c] = static_cast<float>(inverse);
      numbers.whole(0)[c] = statistics.inverse[c] * scale[c];
    }
  }

  struct Normalize {
    const BatchNorm &of;
    const PixelBlock block;

    template <long VECTORS>
    void run(Lanes lanes, long channel) const {
      ChannelVectors<VECTORS> mean, factor, offset;
      mean.load(lanes, of.statistics.mean + channel);
      factor.load(lanes, of.numbers.whole(0) + channel);
      offset.load(lanes, of.offset + channel);
      onPixels<VECTORS>(block, of.blocks.shape.channels, channel, [&](long at, long v) {
        const Vector value = multiplyAdd(lanes.load(of.x + at) - mean.at[v], factor.at[v], offset.at[v]);
        lanes.store(of.y + at, applyEpilogue(of.epilogue, lanes, at, Vector{}, value));
      });
    }
  };

  void normalize(long index, long /*worker*/) const {
    onChannels(blocks.shape.channels, Normalize{*this, blocks.at(index)});
  }
};

template <typename Number>
Outcome batchNorm(const Host &host, const Normalization &shape, const Number *x, const float *scale,
                  const float *offset, float epsilon, EpilogueOf<Number> epilogue, Number *y,
                  const ChannelStatistics &statistics) {
  const PixelBlocks blocks{shape};
  const ChannelNumbers numbers = channelNumbers(host, blocks);
  if (numbers.memory == nullptr) return Outcome::OUT_OF_MEMORY;
  using Work = BatchNorm<Number>;
  const Work work{blocks, x, statistics, scale, offset, epsilon, epilogue, y, numbers};
  parallelFor<Work, &Work::moments>(host, blocks.count(), work);
  parallelFor<Work, &Work::statisticsOf>(host, ceilDivide(shape.channels, WIDTH), work);
  parallelFor<Work, &Work::normalize>(host, blocks.count(), work);
  return Outcome::DONE;
}

template <typename Number>
struct BatchNormGradient {
  const PixelBlocks blocks;
  const Number *const x, *const dy;
  const float *const scale, *const mean, *const inverse;
  Number *const dx;
  float *const dscale, *const doffset;
  // Per block: sums of dy and of dy times the deviation. In total: factors of dy and of the deviation, and a constant.
  const ChannelNumbers numbers;

  struct Sums {
    const BatchNormGradient &of;
    const PixelBlock block;
    float *const plain, *const weighted;

    template <long VECTORS>
    void run(Lanes lanes, long channel) const {
      ChannelVectors<VECTORS> mean, sum, product;
      mean.load(lanes, of.mean + channel);
      onPixels<VECTORS>(block, of.blocks.shape.channels, channel, [&](long at, long v) {
        const Vector dy = lanes.load(of.dy + at);
        sum.at[v] += dy;
        product.at[v] = multiplyAdd(lanes.load(of.x + at) - mean.at[v], dy, product.at[v]);
      });
      sum.store(lanes, plain + channel);
      product.store(lanes, weighted + channel);
    }
  };

  void sums(long index, long /*worker*/) const {
    onChannels(blocks.shape.channels, Sums{*this, blocks.at(index), numbers.first(index), numbers.second(index)});
  }

  void factors(long vector, long /*worker*/) const {
    const auto &[pixels, channels] = blocks.shape;
    const long channel = vector * WIDTH, lanes = min(WIDTH, channels - channel);
    Doubles plain, weighted;
    for (long b = 0; b < blocks.count(); b++) {
      for (long i = 0; i < lanes; i++) plain[i] += numbers.first(b)[channel + i];
      for (long i = 0; i < lanes; i++) weighted[i] += numbers.second(b)[channel + i];
    }
    for (long i = 0; i < lanes; i++) {
      const long c = channel + i;
      const double root = inverse[c], factor = scale[c] * root, count = static_cast<double>(pixels);
      dscale[c] = static_cast<float>(weighted[i] * root);
      doffset[c] = static_cast<float>(plain[i]);
      numbers.whole(0)[c] = static_cast<float>(factor);
      numbers.whole(1)[c] = static_cast<float>(-factor * root * root * weighted[i] / count);
      numbers.whole(2)[c] = static_cast<float>(-factor * plain[i] / count);
    }
  }

  struct Gradient {
    const BatchNormGradient &of;
    const PixelBlock block;

    template <long VECTORS>
    void run(Lanes lanes, long channel) const {
      ChannelVectors<VECTORS> mean, factor, along, shift;
      mean.load(lanes, of.mean + channel);
      factor.load(lanes, of.numbers.whole(0) + channel);
      along.load(lanes, of.numbers.whole(1) + channel);
      shift.load(lanes, of.numbers.whole(2) + channel);
      onPixels<VECTORS>(block, of.blocks.shape.channels, channel, [&](long at, long v) {
        const Vector rest = multiplyAdd(lanes.load(of.x + at) - mean.at[v], along.at[v], shift.at[v]);
        lanes.store(of.dx + at, multiplyAdd(lanes.load(of.dy + at), factor.at[v], rest));
      });
    }
  };

  void gradient(long index, long /*worker*/) const {
    onChannels(blocks.shape.channels, Gradient{*this, blocks.at(index)});
  }
};

template <typename Number>
Outcome batchNormGradient(const Host &host, const Normalization &shape, const Number *dy, const Number *x,
                          const float *scale, const float *mean, const float *inverse, Number *dx, float *dscale,
                          float *doffset) {
  const PixelBlocks blocks{shape};
  const ChannelNumbers numbers = channelNumbers(host, blocks);
  if (numbers.memory == nullptr) return Outcome::OUT_OF_MEMORY;
  using Work = BatchNormGradient<Number>;
  const Work work{blocks, x, dy, scale, mean, inverse, dx, dscale, doffset, numbers};
  parallelFor<Work, &Work::sums>(host, blocks.count(), work);
  parallelFor<Work, &Work::factors>(host, ceilDivide(shape.channels, WIDTH), work);
  parallelFor<Work, &Work::gradient>(host, blocks.count(), work);
  return Outcome::DONE;
}

}  // namespace
}  // namespace pefd
