// bfloat16 activations: the bits of the kernels for float32 activations, each output rounded once.
#include <limits>
#include <memory>

#include "../cases.h"
#include "../kernels/bfloat16_array.h"
#include "../kernels/convolutions.h"
#include "../kernels/out_of_memory.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

Operands bfloat16Operands(const Convolution &conv) {
  Operands operands(conv);
  operands.x = nearestBfloat16(operands.x);
  operands.dy = nearestBfloat16(operands.dy);
  return operands;
}

// The epilogue for one type.
template <typename Number, typename Images>
EpilogueOf<Number> epilogueOf(const Floats *bias, const Images *image, const Images *features, bool relu) {
  EpilogueOf<Number> epilogue;
  if (bias != nullptr) epilogue.bias = bias->data();
  if (image != nullptr) epilogue.image = image->data();
  if (features != nullptr) epilogue.features = features->data();
  epilogue.relu = relu;
  return epilogue;
}

enum Following { NOTHING, BIAS_AND_RELU, BIAS_IMAGE_AND_RELU, IMAGE, IMAGE_AND_FEATURES, FEATURES };
constexpr const char *FOLLOWING[] = {"",        ", bias, ReLU",      ", bias, image, ReLU",
                                     ", image", ", image, features", ", features"};

// Runs a kernel for both types, with an epilogue whose addend aliases the output, and compares.
template <typename Wide, typename Bfloat16Run>
void compare(long count, long channels, Following following, const Wide &wide, const Bfloat16Run &bfloat16) {
  const bool hasBias = following == BIAS_AND_RELU || following == BIAS_IMAGE_AND_RELU;
  const bool hasImage = following == BIAS_IMAGE_AND_RELU || following == IMAGE || following == IMAGE_AND_FEATURES;
  const bool hasFeatures = following == IMAGE_AND_FEATURES || following == FEATURES;
  const Floats bias = randomFloats(channels, 4), features = nearestBfloat16(randomFloats(count, 6));
  const Floats *ofBias = hasBias ? &bias : nullptr;
  Floats expected = nearestBfloat16(randomFloats(count, 5));
  Bfloat16Array actual(expected);
  const Bfloat16Array bfloat16Features(features);
  const TestHost one(1), three(3);
  const auto ofWide =
      epilogueOf<float>(ofBias, hasImage ? &expected : nullptr, hasFeatures ? &features : nullptr, hasBias);
  const auto ofBfloat16 =
      epilogueOf<Bfloat16>(ofBias, hasImage ? &actual : nullptr, hasFeatures ? &bfloat16Features : nullptr, hasBias);
  expect(wide(one.host(), ofWide, expected.data()) == Outcome::DONE, "out of memory");
  expect(bfloat16(three.host(), ofBfloat16, actual.data()) == Outcome::DONE, "out of memory");
  three.expectSound();
  expectSameBits(actual.toFloats(), nearestBfloat16(expected));
}

void forward(const Bfloat16KernelSet &set, const Convolution &conv, Following following) {
  const Operands of = bfloat16Operands(conv);
  const Bfloat16Array x(of.x);
  compare(
      resultFloats(conv), conv.outputs, following,
      [&](auto &host, auto &epilogue, float *y) {
        return set.convolutions->forward(host, conv, of.x.data(), of.filter.data(), epilogue, y);
      },
      [&](auto &host, auto &epilogue, Bfloat16 *y) {
        return set.bfloat16->forward(host, conv, x.data(), of.filter.data(), epilogue, y);
      });
}

void inputGradient(const Bfloat16KernelSet &set, const Convolution &conv, Following following) {
  const Operands of = bfloat16Operands(conv);
  const Bfloat16Array dy(of.dy);
  compare(
      imageFloats(conv), conv.inputs, following,
      [&](auto &host, auto &epilogue, float *dx) {
        return set.convolutions->inputGradient(host, conv, of.filter.data(), of.dy.data(), epilogue, dx);
      },
      [&](auto &host, auto &epilogue, Bfloat16 *dx) {
        return set.bfloat16->inputGradient(host, conv, of.filter.data(), dy.data(), epilogue, dx);
      });
}

void filterGradient(const Bfloat16KernelSet &set, const Convolution &conv) {
  const Operands of = bfloat16Operands(conv);
  const Bfloat16Array x(of.x), dy(of.dy);
  const TestHost one(1), three(3);
  Floats expected(filterFloats(conv)), actual(filterFloats(conv));
  set.convolutions->filterGradient(one.host(), conv, of.x.data(), of.dy.data(), expected.data());
  const Outcome outcome = set.bfloat16->filterGradient(three.host(), conv, x.data(), dy.data(), actual.data());
  expect(outcome == Outcome::DONE, "out of memory");
  three.expectSound();
  expectSameBits(actual, expected);
}

// Out of memory, nothing is written.
void checkOutOfMemoryCases(const Bfloat16KernelSet &set) {
  const Convolution conv{2, 9, 7, 16, 48, 3, 1};
  const Operands of = bfloat16Operands(conv);
  const Bfloat16Array x(of.x), dy(of.dy);
  // Two numbers per float: no more is written than they take.
  const auto asNumbers = [](float *memory) { return reinterpret_cast<Bfloat16 *>(memory); };
  checkOutOfMemory(resultFloats(conv) / 2, [&](auto &host, float *y) {
    return set.bfloat16->forward(host, conv, x.data(), of.filter.data(), {}, asNumbers(y));
  });
  checkOutOfMemory(imageFloats(conv) / 2, [&](auto &host, float *dx) {
    return set.bfloat16->inputGradient(host, conv, of.filter.data(), dy.data(), {}, asNumbers(dx));
  });
  checkOutOfMemory(filterFloats(conv), [&](auto &host, float *dfilter) {
    return set.bfloat16->filterGradient(host, conv, x.data(), dy.data(), dfilter);
  });
}

// Batch normalisation and its gradient, in place; statistics stay float32.
void normalizes(const Bfloat16KernelSet &set, const Normalization &shape, bool follows) {
  const long count = shape.pixels * shape.channels, channels = shape.channels;
  const Floats scale = randomFloats(channels, 3), offset = randomFloats(channels, 4);
  const Floats x = nearestBfloat16(randomFloats(count, 1)), image = nearestBfloat16(randomFloats(count, 2));
  Floats y = x, dx = image;
  Bfloat16Array bfloat16Y(x), bfloat16Dx(image);
  const Bfloat16Array bfloat16X(x), bfloat16Image(image);
  std::vector<Floats> wide(5, Floats(channels)), bfloat16(5, Floats(channels));
  const TestHost one(1), three(3);
  const float epsilon = 1e-5f;
  set.others->batchNorm(
      one.host(), shape, y.data(), scale.data(), offset.data(), epsilon,
      epilogueOf<float>(nullptr, follows ? &image : nullptr, static_cast<const Floats *>(nullptr), follows), y.data(),
      {wide[0].data(), wide[1].data(), wide[2].data()});
  const Outcome done =
      set.bfloat16->batchNorm(three.host(), shape, bfloat16Y.data(), scale.data(), offset.data(), epsilon,
                              epilogueOf<Bfloat16>(nullptr, follows ? &bfloat16Image : nullptr,
                                                   static_cast<const Bfloat16Array *>(nullptr), follows),
                              bfloat16Y.data(), {bfloat16[0].data(), bfloat16[1].data(), bfloat16[2].data()});
  expect(done == Outcome::DONE, "out of memory");
  set.others->batchNormGradient(one.host(), shape, dx.data(), x.data(), scale.data(), wide[0].data(), wide[2].data(),
                                dx.data(), wide[3].data(), wide[4].data());
  set.bfloat16->batchNormGradient(three.host(), shape, bfloat16Dx.data(), bfloat16X.data(), scale.data(),
                                  wide[0].data(), wide[2].data(), bfloat16Dx.data(), bfloat16[3].data(),
                                  bfloat16[4].data());
  three.expectSound();
  expectSameBits(bfloat16Y.toFloats(), nearestBfloat16(y));
  expectSameBits(bfloat16Dx.toFloats(), nearestBfloat16(dx));
  for (size_t i = 0; i < wide.size(); i++) expectSameBits(bfloat16[i], wide[i]);
}

// Two instructions without rounding between them; the output aliases the first operand.
void computes(const Bfloat16KernelSet &set, long opcode, const Floats &a, const Floats &b) {
  const long count = a.count();
  Floats expected(count);
  for (long i = 0; i < count; i++) {
    expected[i] = nearestBfloat16(naiveInstruction(ADD, naiveInstruction(opcode, a[i], b[i]), b[i]));
  }
  Bfloat16Array first(a);
  const Bfloat16Array second(b);
  const Bfloat16 *const input[] = {first.data(), second.data()};
  Bfloat16 *const output[] = {first.data()};
  const bool isScalar[] = {false, false};
  const Instruction instructions[] = {{opcode, 0, 1}, {ADD, 2, 1}};
  const long result[] = {3};
  const TestHost host(2);
  const Outcome outcome =
      set.bfloat16->elementwise(host.host(), {count, 2, 2, 1, input, isScalar, instructions, result, output});
  expect(outcome == Outcome::DONE, "out of memory");
  host.expectSound();
  expectSameBits(first.toFloats(), expected);
}

// Sums that are ties, at the ends of the range, and NaN.
void roundsAsSaid(const Bfloat16KernelSet &set) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{1.0f,      1.0f + 0x1p-7f, 0x1p-8f,   0x1p-9f,   -0x1p-8f,      3 * 0x1p-9f, 0.0f,
                                  -0.0f,     infinity,       -infinity, nan,       0x1.fep127f,   0x1p119f,    0x1p118f,
                                  0x1p-126f, -0x1p-126f,     0x1p-127f, 0x1p-133f, -0x1.02p-126f, 0x1.8p-8f};
  const long size = static_cast<long>(values.size());
  Floats a(size * size), b(size * size);
  for (long i = 0; i < size * size; i++) {
    a[i] = values[i / size];
    b[i] = values[i % size];
  }
  computes(set, ADD, a, b);
}

constexpr Convolution MORE[] = {{2, 32, 32, 32, 64, 3, 1},   {3, 33, 64, 16, 48, 3, 2}, {40, 8, 8, 96, 32, 3, 1},
                                {290, 16, 16, 64, 16, 1, 1}, {6, 17, 15, 32, 48, 1, 2}, {5, 16, 12, 16, 96, 3, 1}};
constexpr Convolution FEW[] = {
    {2, 9, 7, 16, 48, 3, 1}, {3, 9, 6, 32, 16, 3, 2}, {1, 5, 10, 16, 32, 1, 1}, {2, 7, 9, 48, 16, 1, 2}};
constexpr Normalization SHAPES[] = {{9, 3}, {37, 1}, {600, 16}, {130, 64}, {200, 58}, {33, 256}, {16, 9000}};

Cases bfloat16Cases() {
  Cases cases;
  std::vector<Convolution> all(std::begin(MORE), std::end(MORE));
  for (const Convolution &conv : convolutions()) {
    if (conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0) all.push_back(conv);
  }
  for (const Bfloat16KernelSet &set : bfloat16KernelSets()) {
    const auto add = [&](const std::string &what, std::function<void()> run) {
      cases.push_back({"images in bfloat16: " + what + ", " + set.name, std::move(run)});
    };
    for (const Convolution &conv : all) {
      add("forward, " + nameOf(conv), [=] { forward(set, conv, NOTHING); });
      add("dgrad, " + nameOf(conv), [=] { inputGradient(set, conv, NOTHING); });
      add("wgrad, " + nameOf(conv), [=] { filterGradient(set, conv); });
    }
    for (const Convolution &conv : FEW) {
      for (const Following following : {BIAS_AND_RELU, BIAS_IMAGE_AND_RELU, IMAGE}) {
        add("forward, " + nameOf(conv) + FOLLOWING[following], [=] { forward(set, conv, following); });
      }
      for (const Following following : {IMAGE, IMAGE_AND_FEATURES, FEATURES}) {
        add("dgrad, " + nameOf(conv) + FOLLOWING[following], [=] { inputGradient(set, conv, following); });
      }
    }
    for (const Normalization &shape : SHAPES) {
      for (const bool follows : {false, true}) {
        add("batch normalisation of " + std::to_string(shape.pixels) + " pixels, " + std::to_string(shape.channels) +
                " channels" + (follows ? ", image, ReLU" : ""),
            [=] { normalizes(set, shape, follows); });
      }
    }
    for (long opcode = 0; opcode < OPCODES; opcode++) {
      for (const long count : {1L, 15L, 511L, 513L, 33001L}) {
        add(std::string("elementwise ") + OPERATIONS[opcode] + ", " + std::to_string(count) + " elements", [=] {
          computes(set, opcode, nearestBfloat16(randomFloats(count, 7)), nearestBfloat16(randomFloats(count, 8)));
        });
      }
    }
    add("rounds to the nearest", [=] { roundsAsSaid(set); });
    add("out of memory", [=] { checkOutOfMemoryCases(set); });
  }
  return cases;
}

const Registered registered{bfloat16Cases};

}  // namespace
}  // namespace pefd::test
