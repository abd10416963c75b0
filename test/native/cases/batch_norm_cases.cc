// Batch normalisation and its gradient against plain loops in double precision; the same bits for any number of threads
// and every instruction set.
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "../../../src/native/ops/geometry.h"
#include "../cases.h"
#include "../kernels/out_of_memory.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

constexpr float EPSILON = 1e-5f;

// Channels of whole vectors, of several, and tails; pixels of one block, of whole and partial ones.
constexpr Normalization SHAPES[] = {{9, 3},   {20, 16},  {37, 1},   {600, 16},  {1025, 24}, {130, 64},
                                    {77, 96}, {200, 58}, {33, 256}, {16, 2048}, {16, 9000}};

struct Inputs {
  Floats x, dy, scale, offset;
};

// Each channel has its own mean and deviation.
Inputs inputsOf(const Normalization &shape) {
  const auto &[pixels, channels] = shape;
  Inputs inputs{randomFloats(pixels * channels, 1), randomFloats(pixels * channels, 2), randomFloats(channels, 3),
                randomFloats(channels, 4)};
  for (long i = 0; i < pixels * channels; i++) {
    const long c = i % channels;
    inputs.x[i] = inputs.x[i] * (0.5f + 0.1f * static_cast<float>(c % 7)) + static_cast<float>(c % 5) - 2;
  }
  return inputs;
}

using Doubles = std::vector<double>;

struct Naive {
  Doubles y, mean, variance, inverse, dx, dscale, doffset;
};

// The formulas, one channel after the other.
Naive naiveOf(const Normalization &shape, const Inputs &in) {
  const auto &[pixels, channels] = shape;
  const size_t all = static_cast<size_t>(pixels * channels), each = static_cast<size_t>(channels);
  Naive naive{Doubles(all), Doubles(each), Doubles(each), Doubles(each), Doubles(all), Doubles(each), Doubles(each)};
  const double count = static_cast<double>(pixels);
  for (long c = 0; c < channels; c++) {
    double mean = 0, squares = 0, sum = 0, product = 0;
    for (long i = c; i < pixels * channels; i += channels) mean += in.x[i] / count;
    for (long i = c; i < pixels * channels; i += channels) squares += (in.x[i] - mean) * (in.x[i] - mean);
    const double inverse = 1 / std::sqrt(squares / count + static_cast<double>(EPSILON));
    for (long i = c; i < pixels * channels; i += channels) {
      sum += in.dy[i];
      product += in.dy[i] * (in.x[i] - mean) * inverse;
    }
    for (long i = c; i < pixels * channels; i += channels) {
      const double normalized = (in.x[i] - mean) * inverse;
      naive.y[i] = normalized * in.scale[c] + in.offset[c];
      naive.dx[i] = in.scale[c] * inverse * (in.dy[i] - sum / count - normalized * product / count);
    }
    naive.mean[c] = mean;
    naive.variance[c] = squares / std::fmax(1, count - 1);
    naive.inverse[c] = inverse;
    naive.dscale[c] = product;
    naive.doffset[c] = sum;
  }
  return naive;
}

using Results = std::vector<Floats>;

// y, mean, variance and inverse; in place, y aliases x.
Results forward(const Kernels &kernels, const Normalization &shape, Inputs in, long workers, bool inPlace,
                Epilogue epilogue = {}) {
  const long channels = shape.channels;
  const TestHost host(workers);
  Results results{inPlace ? in.x : Floats(in.x.count()), Floats(channels), Floats(channels), Floats(channels)};
  const float *x = inPlace ? results[0].data() : in.x.data();
  const ChannelStatistics statistics{results[1].data(), results[2].data(), results[3].data()};
  const Outcome outcome = kernels.batchNorm(host.host(), shape, x, in.scale.data(), in.offset.data(), EPSILON, epilogue,
                                            results[0].data(), statistics);
  expect(outcome == Outcome::DONE, "out of memory");
  host.expectSound();
  return results;
}

// dx, dscale and doffset; in place, dx aliases dy.
Results gradient(const Kernels &kernels, const Normalization &shape, Inputs in, const Results &said, long workers,
                 bool inPlace) {
  const TestHost host(workers);
  Results results{inPlace ? in.dy : Floats(in.x.count()), Floats(shape.channels), Floats(shape.channels)};
  const float *dy = inPlace ? results[0].data() : in.dy.data();
  const Outcome outcome =
      kernels.batchNormGradient(host.host(), shape, dy, in.x.data(), in.scale.data(), said[1].data(), said[3].data(),
                                results[0].data(), results[1].data(), results[2].data());
  expect(outcome == Outcome::DONE, "out of memory");
  host.expectSound();
  return results;
}

void expectClose(const Results &actual, const std::vector<const Doubles *> &expected) {
  for (size_t i = 0; i < actual.size(); i++) test::expectClose(actual[i], *expected[i]);
}

void expectSameBits(const Results &actual, const Results &expected) {
  for (size_t i = 0; i < actual.size(); i++) test::expectSameBits(actual[i], expected[i]);
}

void check(const Kernels &kernels, const Normalization &shape) {
  const Inputs inputs = inputsOf(shape);
  const Naive naive = naiveOf(shape, inputs);
  const Results y = forward(kernels, shape, inputs, 1, false);
  expectClose(y, {&naive.y, &naive.mean, &naive.variance, &naive.inverse});
  const Results dx = gradient(kernels, shape, inputs, y, 1, false);
  expectClose(dx, {&naive.dx, &naive.dscale, &naive.doffset});
  const Kernels &others = *kernelSets().front().kernels;
  expectSameBits(forward(others, shape, inputs, 1, false), y);
  expectSameBits(gradient(others, shape, inputs, y, 1, false), dx);
  for (const long workers : {2L, MAX_WORKERS}) {
    expectSameBits(forward(kernels, shape, inputs, workers, true), y);
    expectSameBits(gradient(kernels, shape, inputs, y, workers, true), dx);
  }
}

// Epilogues have the bits of the unfused ops.
void checkFollowed(const Kernels &kernels, const Normalization &shape) {
  const Inputs in = inputsOf(shape);
  const Results plain = forward(kernels, shape, in, 1, false);
  for (const bool hasImage : {false, true}) {
    for (const bool hasRelu : {false, true}) {
      Results expected = plain;
      for (long i = 0; i < in.x.count(); i++) {
        if (hasImage) expected[0][i] += in.dy[i];
        if (hasRelu && expected[0][i] < 0) expected[0][i] = 0;
      }
      Epilogue epilogue;
      if (hasImage) epilogue.image = in.dy.data();
      epilogue.relu = hasRelu;
      expectSameBits(forward(kernels, shape, in, 2, true, epilogue), expected);
    }
  }
}

void checkOutOfMemoryCases(const Kernels &kernels) {
  const Normalization shape{600, 24};
  const Inputs in = inputsOf(shape);
  const Results said = forward(kernels, shape, in, 1, false);
  Floats mean(24), variance(24), inverse(24);
  checkOutOfMemory(in.x.count(), [&](auto &host, float *y) {
    return kernels.batchNorm(host, shape, in.x.data(), in.scale.data(), in.offset.data(), EPSILON, {}, y,
                             {mean.data(), variance.data(), inverse.data()});
  });
  checkOutOfMemory(in.x.count(), [&](auto &host, float *dx) {
    return kernels.batchNormGradient(host, shape, in.dy.data(), in.x.data(), in.scale.data(), said[1].data(),
                                     said[3].data(), dx, mean.data(), variance.data());
  });
}

Cases refusals() {
  Cases cases;
  for (const auto &[sentence, images, vector] :
       {std::tuple{"Images must be [N, H, W, C].", Shape{4, 16}, Shape{16}},
        std::tuple{"There must be one number for each channel.", Shape{2, 3, 3, 16}, Shape{15}},
        std::tuple{"There must be a pixel and a channel.", Shape{0, 3, 3, 16}, Shape{16}},
        std::tuple{"There must be a pixel and a channel.", Shape{2, 3, 3, 0}, Shape{0}}}) {
    cases.push_back({std::string("batch normalisation refused: ") + sentence,
                     [=, sentence = sentence, images = images, vector = vector] {
                       const std::string refusal = refusalOf([&] { normalizationOf(images, {vector}); });
                       expect(refusal == sentence, "it was refused with: " + refusal);
                     }});
  }
  return cases;
}

Cases batchNormCases() {
  Cases cases = refusals();
  for (const KernelSet &set : kernelSets()) {
    for (const Normalization &shape : SHAPES) {
      const std::string name = "batch normalisation of " + std::to_string(shape.pixels) + " pixels, " +
                               std::to_string(shape.channels) + " channels, " + set.name;
      cases.push_back({name, [=] { check(*set.kernels, shape); }});
    }
    for (const Normalization &shape : {Normalization{77, 96}, Normalization{130, 58}}) {
      cases.push_back({"epilogue of batch normalisation, " + std::to_string(shape.channels) + " channels, " + set.name,
                       [=] { checkFollowed(*set.kernels, shape); }});
    }
    cases.push_back(
        {std::string("out of memory: batch normalisation, ") + set.name, [=] { checkOutOfMemoryCases(*set.kernels); }});
  }
  return cases;
}

const Registered registered{batchNormCases};

}  // namespace
}  // namespace pefd::test
