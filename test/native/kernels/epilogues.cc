#include "epilogues.h"

#include <functional>
#include <limits>

#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

// Special values of ReLU.
void addSpecials(Floats &values) {
  const float specials[] = {0.0f, -0.0f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (long i = 0; i < 5; i++) values[7 * i + 3] = specials[i];
}

// The parts of an epilogue, one bit each.
constexpr int BIAS = 1, IMAGE = 2, RELU_AFTER = 4, FEATURES = 8, IN_PLACE = 16;

std::string partsName(int parts) {
  std::string name;
  if (parts & BIAS) name += " + bias";
  if (parts & IMAGE) name += parts & IN_PLACE ? " + image, in place" : " + image";
  if (parts & RELU_AFTER) name += ", ReLU";
  if (parts & FEATURES) name += ", gradient of ReLU";
  return name;
}

using Run = std::function<Outcome(const Host &, const Epilogue &, float *)>;

// Compares a kernel with an epilogue with the kernel without, followed by the unfused ops.
void check(long count, long channels, int parts, const Run &run) {
  const TestHost host(3);
  Floats alone(count);
  expect(run(host.host(), {}, alone.data()) == Outcome::DONE, "out of memory");
  const Floats bias = randomFloats(channels, 4);
  Floats image = randomFloats(count, 5), features = randomFloats(count, 6);
  addSpecials(image);
  addSpecials(features);
  Epilogue epilogue;
  epilogue.bias = parts & BIAS ? bias.data() : nullptr;
  epilogue.image = parts & IMAGE ? image.data() : nullptr;
  epilogue.relu = (parts & RELU_AFTER) != 0;
  epilogue.features = parts & FEATURES ? features.data() : nullptr;
  const Floats expected = naiveEpilogue(alone, channels, epilogue);
  Floats fused(count);
  Floats &result = parts & IN_PLACE ? image : fused;
  expect(run(host.host(), epilogue, result.data()) == Outcome::DONE, "out of memory");
  host.expectSound();
  expectSameBits(result, expected);
}

}  // namespace

void addEpilogues(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                  const ConvolutionKernels &kernels) {
  const auto add = [&](const char *pass, int parts, std::function<void()> run) {
    cases.push_back({prefix + nameOf(conv) + ", " + pass + partsName(parts) + ", " + set, std::move(run)});
  };
  for (int parts : {BIAS, BIAS | RELU_AFTER, BIAS | IMAGE, BIAS | IMAGE | RELU_AFTER, IMAGE | RELU_AFTER,
                    BIAS | IMAGE | IN_PLACE, BIAS | IMAGE | RELU_AFTER | IN_PLACE}) {
    add("forward", parts, [=, &kernels] {
      const Operands of(conv);
      check(resultFloats(conv), conv.outputs, parts, [&](auto &host, auto &epilogue, float *y) {
        return kernels.forward(host, conv, of.x.data(), of.filter.data(), epilogue, y);
      });
    });
  }
  for (int parts : {IMAGE, FEATURES, IMAGE | FEATURES, IMAGE | IN_PLACE, IMAGE | FEATURES | IN_PLACE}) {
    add("dgrad", parts, [=, &kernels] {
      const Operands of(conv);
      check(imageFloats(conv), conv.inputs, parts, [&](auto &host, auto &epilogue, float *dx) {
        return kernels.inputGradient(host, conv, of.filter.data(), of.dy.data(), epilogue, dx);
      });
    });
  }
}

}  // namespace pefd::test
