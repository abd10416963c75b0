// Arrays of numbers in bfloat16, and what they are compared with.
#pragma once

#include "../../../src/native/kernels/kernels.h"
#include "../numbers.h"

namespace pefd::test {

// The number in bfloat16 that is nearest to one, the even one of two; what has no leading digit becomes zero.
float nearest(float value);

// The same of each number.
Floats nearest(Floats values);

// An array of numbers in bfloat16 with margins that nobody may touch.
class Narrow {
 public:
  explicit Narrow(long count);
  // Of floats that are such numbers.
  explicit Narrow(const Floats &values);

  Bfloat16 *data() { return reinterpret_cast<Bfloat16 *>(memory_.data()); }
  const Bfloat16 *data() const { return reinterpret_cast<const Bfloat16 *>(memory_.data()); }

  // Its numbers as floats.
  // @throws std::runtime_error where a margin was written
  Floats wide() const;

 private:
  const long count_;
  Floats memory_;
};

}  // namespace pefd::test
