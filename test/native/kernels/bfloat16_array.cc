#include "bfloat16_array.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace pefd::test {
namespace {

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float ofBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace

float nearestBfloat16(float value) {
  if (std::isnan(value) || std::isinf(value)) return value;
  if (std::abs(value) < std::numeric_limits<float>::min()) return std::copysign(0.0f, value);
  // Its two neighbours, and their distances. Past the largest one is infinity, as far as its successor would be.
  const uint32_t below = bitsOf(value) & 0xffff0000, above = below + 0x10000;
  const double step = std::ldexp(1.0, std::ilogb(value) - 7), size = std::abs(value);
  const double under = size - std::abs(ofBits(below)), over = step - under;
  const bool isUp = over < under || (over == under && (below & 0x10000) != 0);
  return ofBits(isUp ? above : below);
}

Floats nearestBfloat16(Floats values) {
  for (long i = 0; i < values.count(); i++) values[i] = nearestBfloat16(values[i]);
  return values;
}

Bfloat16Array::Bfloat16Array(long count) : count_(count), memory_((count + 1) / 2) {}

Bfloat16Array::Bfloat16Array(const Floats &values) : Bfloat16Array(values.count()) {
  for (long i = 0; i < count_; i++) data()[i] = static_cast<Bfloat16>(bitsOf(values[i]) >> 16);
}

Floats Bfloat16Array::toFloats() const {
  memory_.expectMargins();
  Floats values(count_);
  for (long i = 0; i < count_; i++) values[i] = ofBits(uint32_t{data()[i]} << 16);
  return values;
}

}  // namespace pefd::test
