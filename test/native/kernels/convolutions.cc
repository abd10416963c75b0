#include "convolutions.h"

#include <iterator>

#include "../reference.h"

namespace pefd::test {
namespace {

struct Size {
  long n, h, w, inputs, outputs;
};

// Images that tiles fill and others, single rows and pixels, empty ones; one block of channels, several, and panels
// that are filled or not.
constexpr Size SIZES[] = {
    {1, 1, 1, 16, 16},   {3, 4, 4, 16, 32},   {2, 5, 7, 48, 16},   {1, 33, 2, 32, 80},
    {5, 8, 8, 64, 64},   {1, 1, 29, 16, 48},  {2, 13, 11, 96, 32}, {7, 2, 3, 16, 112},
    {1, 9, 16, 160, 16}, {3, 17, 15, 32, 32}, {0, 8, 8, 16, 16},   {2, 0, 5, 16, 32},
};

struct Kind {
  long kernel, stride;
};

constexpr Kind KINDS[] = {{3, 1}, {3, 2}, {1, 1}, {1, 2}};

// More tiles than wgrad sums at once.
constexpr Convolution MANY_TILES[] = {
    {8, 60, 62, 16, 16, 3, 1}, {13, 62, 62, 16, 16, 3, 2}, {17, 62, 62, 16, 16, 1, 1}};

// 1x1 with any number of channels and groups; one part of the pixels, and several.
constexpr Convolution PRODUCTS[] = {
    {1, 1, 1, 1, 1, 1, 1},      {2, 5, 7, 8, 48, 1, 1},     {2, 3, 5, 17, 33, 1, 1},      {5, 7, 3, 58, 58, 1, 1},
    {1, 11, 13, 116, 7, 1, 1},  {2, 16, 8, 12, 72, 1, 1},   {3, 9, 5, 54, 216, 1, 1, 3},  {2, 8, 8, 240, 60, 1, 1, 3},
    {1, 4, 9, 15, 10, 1, 1, 5}, {2, 6, 5, 32, 64, 1, 1, 2}, {17, 17, 16, 9, 21, 1, 1, 3}, {0, 8, 8, 6, 9, 1, 1, 3},
    {2, 0, 5, 20, 12, 1, 1}};

constexpr uint32_t RANDOM_SIZES = 40;

Size randomSize(uint32_t seed) {
  const Floats numbers = randomFloats(5, 1000 + seed);
  const auto upTo = [&](long place, long most) { return 1 + static_cast<long>((numbers[place] + 1) / 2.0001f * most); };
  return {upTo(0, 4), upTo(1, 20), upTo(2, 20), CHANNELS * upTo(3, 8), CHANNELS * upTo(4, 8)};
}

std::string text(long number) { return std::to_string(number); }

}  // namespace

std::vector<Convolution> convolutions() {
  std::vector<Convolution> all;
  for (const Size &size : SIZES) {
    for (const Kind &kind : KINDS) {
      all.push_back({size.n, size.h, size.w, size.inputs, size.outputs, kind.kernel, kind.stride});
    }
  }
  for (uint32_t seed = 0; seed < RANDOM_SIZES; seed++) {
    const Size size = randomSize(seed);
    const Kind &kind = KINDS[seed % std::size(KINDS)];
    all.push_back({size.n, size.h, size.w, size.inputs, size.outputs, kind.kernel, kind.stride});
  }
  all.insert(all.end(), std::begin(MANY_TILES), std::end(MANY_TILES));
  all.insert(all.end(), std::begin(PRODUCTS), std::end(PRODUCTS));
  return all;
}

std::string nameOf(const Convolution &conv) {
  return text(conv.kernel) + "x" + text(conv.kernel) + ", stride " + text(conv.stride) + ", [" + text(conv.n) + ", " +
         text(conv.h) + ", " + text(conv.w) + ", " + text(conv.inputs) + "] to " + text(conv.outputs) +
         (conv.groups == 1 ? "" : " in " + text(conv.groups) + " groups");
}

Operands::Operands(const Convolution &conv)
    : x(randomFloats(imageFloats(conv), 1)),
      filter(randomFloats(filterFloats(conv), 2)),
      dy(randomFloats(resultFloats(conv), 3)) {}

}  // namespace pefd::test
