// Arrays of floats that notice what is written beside them and what is never written, and comparisons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pefd::test {

// An array with margins that nobody may touch, full of a NaN that no arithmetic makes. AddressSanitizer has margins of
// its own, and sees reads as well.
class Floats {
 public:
  explicit Floats(long count);

  float *data() { return all_.data() + margin(); }
  const float *data() const { return all_.data() + margin(); }
  long count() const { return static_cast<long>(all_.size()) - 2 * margin(); }
  float &operator[](long i) { return data()[i]; }
  float operator[](long i) const { return data()[i]; }

  // Fills it again with the NaN of what is never written.
  void clear();

  // @throws std::runtime_error where a margin was written
  void expectMargins() const;
  // @throws std::runtime_error where a margin was written, or an element was not
  void expectWhole() const;
  // @throws std::runtime_error where an element was written
  void expectUntouched() const;

 private:
  static long margin();

  std::vector<float> all_;
};

// The largest error that counts as rounding in float32, by the root mean square of what is expected: three times the largest
// that there is.
constexpr double ROUNDING = 2e-5;

// Numbers between -1 and 1 that follow from a seed.
Floats randomFloats(long count, uint32_t seed);

// @throws std::runtime_error where an array is not written whole, or is further from what is expected than rounding
// errors are, measured by the root mean square of that
void expectClose(const Floats &actual, const std::vector<double> &expected, double tolerance = ROUNDING);

// @throws std::runtime_error where an array is not written whole, or has other bits; any NaN is like any other
void expectSameBits(const Floats &actual, const Floats &expected);

}  // namespace pefd::test
