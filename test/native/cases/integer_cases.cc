// Convolutions in whole numbers of 16 bits against plain loops; more exact than in bfloat16; what has no unit.
#include <cmath>
#include <limits>

#include "../cases.h"
#include "../hosts.h"
#include "../kernels/reduced.h"
#include "../reference.h"

namespace pefd::test {
namespace {

// Of the convolutions that are tried the largest error is a third of it.
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

// Even where the algorithm lets errors grow most, and the lists are longest.
void isMoreExact(const ReducedKernelSet &set, const Pass &pass) {
  const Convolution conv{2, 8, 8, 256, 256, 3, 1};
  const Operands operands(conv);
  const double error = errorOf(*set.kernels, pass, conv, operands);
  for (const ReducedKernelSet &other : bfloat16KernelSets()) {
    const double others = errorOf(*other.kernels, pass, conv, operands);
    expect(1.5 * error < others, std::to_string(error) + ", and in bfloat16 " + std::to_string(others));
  }
}

// Results of operands whose images have one number everywhere, and so have filters and gradients.
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

// What is too small for a unit counts as zero, and so do zeros, without a number that is none.
void hasZeros(const ReducedKernelSet &set, const Pass &pass) {
  for (const float nothing : {0.0f, 1e-30f, 1e-42f}) {
    const Floats result = resultOf(set, pass, SMALL, nothing, 1);
    for (long i = 0; i < result.count(); i++) expect(result[i] == 0, "element " + std::to_string(i) + " is not zero");
  }
}

// Small and large numbers have units, too.
void hasAnySize(const ReducedKernelSet &set, const Pass &pass) {
  const Floats ones = resultOf(set, pass, SMALL, 1, 1);
  for (const float size : {0x1p-40f, 0x1p30f}) {
    const Floats result = resultOf(set, pass, SMALL, size, 1);
    // Of a gradient of filters both factors are of that size.
    const float ratio = pass.size(SMALL) == filterFloats(SMALL) ? size * size : size;
    for (long i = 0; i < result.count(); i++) {
      expect(std::abs(result[i] / ratio - ones[i]) <= 1e-5f * std::abs(ones[i]), "element " + std::to_string(i));
    }
  }
}

// A training that has gone astray is seen.
void keepsNoNumbers(const ReducedKernelSet &set, const Pass &pass) {
  for (const float none : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Floats result = resultOf(set, pass, SMALL, none, 1);
    for (long i = 0; i < result.count(); i++) {
      expect(!std::isfinite(result[i]), "element " + std::to_string(i) + " is a number");
    }
  }
}

}  // namespace

Cases integerCases() {
  Cases cases;
  for (const ReducedKernelSet &set : integerKernelSets()) {
    addReduced(cases, "whole numbers", set, {nullptr, LARGEST});
    for (const Pass &pass : passes()) {
      const auto add = [&](const char *what, void (*run)(const ReducedKernelSet &, const Pass &)) {
        const std::string name = std::string("whole numbers: ") + what + ", " + pass.name + ", " + set.name;
        cases.push_back({name, [=, &pass] { run(set, pass); }});
      };
      add("more exact than bfloat16", isMoreExact);
      add("zeros", hasZeros);
      add("any size", hasAnySize);
      add("no numbers", keepsNoNumbers);
    }
  }
  return cases;
}

}  // namespace pefd::test
