// bfloat16 arrays, and rounding to bfloat16.
#pragma once

#include "../../../src/native/kernels/kernels.h"
#include "../numbers.h"

namespace pefd::test {

// Rounds to nearest even; denormals become zero.
float nearestBfloat16(float value);

Floats nearestBfloat16(Floats values);

// A bfloat16 array with guard margins.
class Bfloat16Array {
 public:
  explicit Bfloat16Array(long count);
  // From floats that are bfloat16 numbers.
  explicit Bfloat16Array(const Floats &values);

  Bfloat16 *data() { return reinterpret_cast<Bfloat16 *>(memory_.data()); }
  const Bfloat16 *data() const { return reinterpret_cast<const Bfloat16 *>(memory_.data()); }

  // @throws std::runtime_error if a margin was written
  Floats toFloats() const;

 private:
  const long count_;
  Floats memory_;
};

}  // namespace pefd::test
