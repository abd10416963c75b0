#include "numbers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "cases.h"

namespace pefd::test {
namespace {

constexpr uint32_t UNWRITTEN = 0x7fa5a5a5;

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

bool isUnwritten(const float &value) { return std::memcmp(&value, &UNWRITTEN, sizeof value) == 0; }

// Messages are built only on failure: there are millions of elements.
[[noreturn]] void fail(const std::string &sentence) { throw std::runtime_error(sentence); }

std::string at(long i, double actual, double expected) {
  return "element " + std::to_string(i) + " is " + std::to_string(actual) + ", not " + std::to_string(expected);
}

}  // namespace

long Floats::margin() {
#if defined(__SANITIZE_ADDRESS__)
  return 0;
#else
  return 64;
#endif
}

Floats::Floats(long count) : all_(static_cast<size_t>(count + 2 * margin())) { clear(); }

void Floats::clear() {
  for (float &value : all_) std::memcpy(&value, &UNWRITTEN, sizeof value);
}

void Floats::expectMargins() const {
  for (long i = 0; i < margin(); i++) {
    expect(isUnwritten(data()[i - margin()]), "something was written in front of the array");
    expect(isUnwritten(data()[count() + i]), "something was written behind the array");
  }
}

void Floats::expectWhole() const {
  expectMargins();
  for (long i = 0; i < count(); i++) {
    if (isUnwritten(data()[i])) fail("element " + std::to_string(i) + " was never written");
  }
}

void Floats::expectUntouched() const {
  expect(std::all_of(all_.begin(), all_.end(), isUnwritten), "something was written");
}

Floats randomFloats(long count, uint32_t seed) {
  Floats values(count);
  for (long i = 0; i < count; i++) {
    // MurmurHash3's mixing of bits.
    uint32_t bits = static_cast<uint32_t>(i) * 0x9e3779b9u + seed * 0x85ebca6bu + 1;
    bits = (bits ^ bits >> 16) * 0x85ebca6bu;
    bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
    bits ^= bits >> 16;
    values[i] = static_cast<float>(bits >> 8) / (1 << 23) - 1;
  }
  return values;
}

void expectClose(const Floats &actual, const std::vector<double> &expected, double tolerance) {
  actual.expectWhole();
  double squares = 0;
  for (const double value : expected) squares += value * value;
  const double size = std::sqrt(squares / std::max<double>(1, expected.size()));
  for (size_t i = 0; i < expected.size(); i++) {
    const long index = static_cast<long>(i);
    const bool isClose = std::abs(actual[index] - expected[i]) <= tolerance * size;
    if (!isClose) fail(at(index, actual[index], expected[i]));
  }
}

void expectSameBits(const Floats &actual, const Floats &expected) {
  actual.expectWhole();
  expect(actual.count() == expected.count(), "there are other numbers of elements");
  for (long i = 0; i < actual.count(); i++) {
    const bool isSame = bitsOf(actual[i]) == bitsOf(expected[i]) || (std::isnan(actual[i]) && std::isnan(expected[i]));
    if (!isSame) fail(at(i, actual[i], expected[i]) + " bit for bit");
  }
}

}  // namespace pefd::test
