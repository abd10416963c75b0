// int16 convolutions against plain loops; more exact than bfloat16; special values; the float32 fallback.
#include <cmath>
#include <limits>

#include "../cases.h"
#include "../kernels/reduced.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

// Three times the largest error of these convolutions.
constexpr double LARGEST = 1e-2;

double errorOf(const Floats &actual, const std::vector<double> &expected) {
  double errors = 0, squares = 0;
  for (long i = 0; i < actual.count(); i++) {
    const double value = expected[static_cast<size_t>(i)];
    errors += (actual[i] - value) * (actual[i] - value);
    squares += value * value;
  }
  return std::sqrt(errors / squares);
}

double errorOf(const ConvolutionKernels &kernels, const Pass &pass, const Convolution &conv, const Operands &operands) {
  const TestHost host(1);
  Floats result(pass.size(conv));
  pass.run(kernels, host.host(), conv, operands, result.data());
  return errorOf(result, pass.naive(conv, operands));
}

// Even where Winograd amplifies errors most, and rows are longest.
void isMoreExact(const ReducedKernelSet &set, const Pass &pass) {
  const Convolution conv{2, 8, 8, 256, 256, 3, 1};
  const Operands operands(conv);
  const double error = errorOf(*set.kernels, pass, conv, operands);
  for (const ReducedKernelSet &other : amxKernelSets()) {
    const double others = errorOf(*other.kernels, pass, conv, operands);
    expect(1.5 * error < others, std::to_string(error) + ", and in bfloat16 " + std::to_string(others));
  }
}

// Results of constant operands.
Floats resultOf(const ReducedKernelSet &set, const Pass &pass, const Convolution &conv, float image, float filter) {
  Operands operands(conv);
  for (Floats *floats : {&operands.x, &operands.dy})
    for (long i = 0; i < floats->count(); i++) (*floats)[i] = image;
  for (long i = 0; i < operands.filter.count(); i++) operands.filter[i] = filter;
  const TestHost host(2);
  Floats result(pass.size(conv));
  pass.run(*set.kernels, host.host(), conv, operands, result.data());
  return result;
}

constexpr Convolution SMALL{2, 6, 5, 16, 32, 3, 1};

// Rows of tiny numbers or zeros quantize to zeros, not NaN.
void hasZeros(const ReducedKernelSet &set, const Pass &pass) {
  for (const float tiny : {0.0f, 1e-30f, 1e-42f}) {
    const Floats result = resultOf(set, pass, SMALL, tiny, 1);
    for (long i = 0; i < result.count(); i++) expect(result[i] == 0, "element " + std::to_string(i) + " is not zero");
  }
}

// Small and large numbers have scales, too.
void hasAnySize(const ReducedKernelSet &set, const Pass &pass) {
  const Floats ones = resultOf(set, pass, SMALL, 1, 1);
  for (const float size : {0x1p-40f, 0x1p30f}) {
    const Floats result = resultOf(set, pass, SMALL, size, 1);
    // Of wgrad both factors have that size.
    const float ratio = pass.size(SMALL) == filterFloats(SMALL) ? size * size : size;
    for (long i = 0; i < result.count(); i++) {
      expect(std::abs(result[i] / ratio - ones[i]) <= 1e-5f * std::abs(ones[i]), "element " + std::to_string(i));
    }
  }
}

// Channel scales that compensate: every second channel of the images is large and its weights are small. Only in images
// `from` on.
void spreadChannels(const Convolution &conv, Operands &operands, long from, float scale) {
  const long pixels = conv.h * conv.w, results = operands.dy.count() / conv.n / conv.outputs;
  const auto scaleOf = [=](long channel) { return channel % 2 == 0 ? scale : 1 / scale; };
  for (long i = from * pixels * conv.inputs; i < operands.x.count(); i++) operands.x[i] *= scaleOf(i % conv.inputs);
  for (long i = from * results * conv.outputs; i < operands.dy.count(); i++)
    operands.dy[i] *= scaleOf(i % conv.outputs);
}

// Forward compensates in weight rows, dgrad in weight columns.
void makeUp(const Convolution &conv, const Pass &pass, Operands &operands, float scale) {
  const bool isBack = std::string(pass.name) == "dgrad";
  for (long i = 0; i < operands.filter.count(); i++) {
    const long channel = isBack ? i % conv.outputs : i / conv.outputs % conv.inputs;
    operands.filter[i] *= channel % 2 == 0 ? 1 / scale : scale;
  }
}

// As exact as with equal channels, or float32.
void knowsSpreads(const ReducedKernelSet &set, const Pass &pass) {
  for (const long kernel : {1L, 3L}) {
    for (const long stride : {1L, 2L}) {
      const Convolution conv{2, 8, 8, 64, 32, kernel, stride};
      for (const float scale : {3.0f, 10.0f, 100.0f, 1000.0f, 1e5f}) {
        Operands operands(conv);
        spreadChannels(conv, operands, 0, scale);
        makeUp(conv, pass, operands, scale);
        const double error = errorOf(*set.kernels, pass, conv, operands);
        expect(error < 5e-3, nameOf(conv) + ", scales " + std::to_string(scale) + ": " + std::to_string(error));
      }
    }
  }
}

// An image has the same bits whatever else is in the batch.
void isAlone(const ReducedKernelSet &set, const Pass &pass) {
  const Convolution two{2, 8, 8, 64, 32, 3, 1}, one{1, 8, 8, 64, 32, 3, 1};
  if (pass.size(two) == filterFloats(two)) return;
  Operands both(two), first(one);
  makeUp(two, pass, both, 100);
  for (long i = 0; i < first.x.count(); i++) first.x[i] = both.x[i];
  for (long i = 0; i < first.dy.count(); i++) first.dy[i] = both.dy[i];
  for (long i = 0; i < first.filter.count(); i++) first.filter[i] = both.filter[i];
  spreadChannels(two, both, 1, 100);
  const TestHost host(2);
  Floats ofBoth(pass.size(two)), alone(pass.size(one)), part(pass.size(one));
  pass.run(*set.kernels, host.host(), two, both, ofBoth.data());
  pass.run(*set.kernels, host.host(), one, first, alone.data());
  for (long i = 0; i < part.count(); i++) part[i] = ofBoth[i];
  expectSameBits(part, alone);
}

// NaN and infinity propagate.
void keepsNoNumbers(const ReducedKernelSet &set, const Pass &pass) {
  for (const float none : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Floats result = resultOf(set, pass, SMALL, none, 1);
    for (long i = 0; i < result.count(); i++) {
      expect(!std::isfinite(result[i]), "element " + std::to_string(i) + " is a number");
    }
  }
}

Cases int16Cases() {
  Cases cases;
  for (const ReducedKernelSet &set : int16KernelSets()) {
    addReduced(cases, "int16", set, {nullptr, LARGEST});
    for (const Pass &pass : passes()) {
      const auto add = [&](const char *what, void (*run)(const ReducedKernelSet &, const Pass &)) {
        const std::string name = std::string("int16: ") + what + ", " + pass.name + ", " + set.name;
        cases.push_back({name, [=, &pass] { run(set, pass); }});
      };
      add("more exact than bfloat16", isMoreExact);
      add("zeros", hasZeros);
      add("any size", hasAnySize);
      add("no numbers", keepsNoNumbers);
      add("channels that make up for each other", knowsSpreads);
      add("an image beside another", isAlone);
    }
  }
  return cases;
}

const Registered registered{int16Cases};

}  // namespace
}  // namespace pefd::test
