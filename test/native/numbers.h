// Guarded arrays of floats, and comparisons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pefd::test {

// An array with guard margins, filled with a NaN that no arithmetic produces. AddressSanitizer has its own margins, and
// checks reads, too.
class Floats {
 public:
  explicit Floats(long count);

  float *data() { return all_.data() + margin(); }
  const float *data() const { return all_.data() + margin(); }
  long count() const { return static_cast<long>(all_.size()) - 2 * margin(); }
  float &operator[](long i) { return data()[i]; }
  float operator[](long i) const { return data()[i]; }

  // Fills it with that NaN again.
  void clear();

  // @throws std::runtime_error if a margin was written
  void expectMargins() const;
  // @throws std::runtime_error if a margin was written, or an element was not
  void expectWhole() const;
  // @throws std::runtime_error if an element was written
  void expectUntouched() const;

 private:
  static long margin();

  std::vector<float> all_;
};

// The largest rounding error in float32 relative to the root mean square: three times the largest that occurs.
constexpr double ROUNDING = 2e-5;

// Pseudo-random numbers between -1 and 1.
Floats randomFloats(long count, uint32_t seed);

// @throws std::runtime_error if an element is not written, or its error exceeds the tolerance times the root mean
// square
void expectClose(const Floats &actual, const std::vector<double> &expected, double tolerance = ROUNDING);

// @throws std::runtime_error if an element is not written, or has other bits; all NaNs are equal
void expectSameBits(const Floats &actual, const Floats &expected);

}  // namespace pefd::test
