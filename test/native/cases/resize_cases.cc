// Resized images against plain loops: the same bytes, and no writes out of bounds.
#include <memory>
#include <string>
#include <vector>

#include "../../../src/native/ops/geometry.h"
#include "../cases.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

using Bytes = std::vector<unsigned char>;

struct Shown {
  long height, width;
  View view;
};

Bytes noise(long count) {
  Bytes bytes(static_cast<size_t>(count));
  uint32_t state = 1;
  for (unsigned char &byte : bytes) {
    state = state * 1664525 + 1013904223;
    // Many are black or white, to test saturation.
    byte = static_cast<unsigned char>(state >> 31 ? state >> 24 : (state >> 30 & 1) * 255);
  }
  return bytes;
}

std::string nameOf(const Shown &shown) {
  const View &view = shown.view;
  const auto text = [](long a, long b) { return std::to_string(a) + " x " + std::to_string(b); };
  return text(shown.height, shown.width) + ", box " + text(view.box.height, view.box.width) + " to " +
         text(view.height, view.width) + ", window " + text(view.window.height, view.window.width) +
         (view.isMirrored ? ", mirrored" : "");
}

// Runs the kernel on buffers of exactly the required size.
Bytes own(const Kernels &kernels, const Shown &shown, const Bytes &image) {
  const auto &[box, height, width, window, isMirrored] = shown.view;
  const AxisWeights across = bilinearWeights(box.left, box.width, width, window.left, window.width);
  const AxisWeights down = bilinearWeights(box.top, box.height, height, window.top, window.height);
  const std::unique_ptr<unsigned char[]> lines(new unsigned char[resizeLines(shown.width)]);
  const std::unique_ptr<unsigned char[]> between(new unsigned char[resizeBetween(down.pixels(), window.width)]);
  constexpr long MARGIN = 64;
  constexpr unsigned char UNTOUCHED = 0xa5;
  const long bytes = 3 * window.height * window.width;
  Bytes result(static_cast<size_t>(bytes + 2 * MARGIN), UNTOUCHED);
  kernels.resize({image.data(), shown.width, across.axis(), down.axis(), isMirrored, lines.get(), between.get(),
                  result.data() + MARGIN});
  for (long i = 0; i < MARGIN; i++) {
    expect(result[i] == UNTOUCHED && result[MARGIN + bytes + i] == UNTOUCHED, "a margin was written");
  }
  return Bytes(result.begin() + MARGIN, result.end() - MARGIN);
}

void check(const Kernels &kernels, const Shown &shown) {
  const Bytes image = noise(3 * shown.height * shown.width);
  const Bytes expected = naiveResize(image, shown.width, shown.view), actual = own(kernels, shown, image);
  expect(actual.size() == expected.size(), "the result has another size");
  for (size_t i = 0; i < expected.size(); i++) {
    expect(actual[i] == expected[i], "byte " + std::to_string(i) + " is " + std::to_string(actual[i]) + " instead of " +
                                         std::to_string(expected[i]));
  }
}

std::vector<Shown> shown() {
  std::vector<Shown> all;
  const long sizes[] = {1, 2, 3, 10, 11, 12, 32, 70};
  for (const long height : sizes) {
    for (const long width : sizes) {
      for (const long size : {1L, 5L, 11L, 31L}) {
        const bool isMirrored = (height + width + size) % 2 == 1;
        // Everything, and a window of a box, at the lower right corner of both.
        const View::Box whole{0, 0, height, width}, all_sizes{0, 0, size, size + 1};
        all.push_back({height, width, {whole, size, size + 1, all_sizes, isMirrored}});
        const View::Box box{height / 3, width / 2, height - height / 3, width - width / 2};
        const View::Box window{size / 2, size / 3, size - size / 2, size + 1 - size / 3};
        all.push_back({height, width, {box, size, size + 1, window, !isMirrored}});
      }
    }
  }
  return all;
}

void knownWeights() {
  const AxisWeights half = bilinearWeights(7, 2, 1, 0, 1);
  expect(half.first[0] == 7 && half.taps[0] == 2, "two pixels make one");
  expect(half.weights[0] == 1 << 21 && half.weights[1] == 1 << 21, "both count half");
  const AxisWeights same = bilinearWeights(0, 3, 3, 1, 2);
  expect(same.count == 2 && same.pixels() == 2, "each pixel stays as it is");
  expect(same.weights[0] == 1 << 22 && same.weights[1] == 0, "only the pixel itself counts");
}

struct Refused {
  const char *sentence;
  Shape numbers, image;
};

std::vector<Refused> refused() {
  const char *const box = "The box must lie in the image.";
  const char *const size = "The size must be 1 to 1048576 pixels each way.";
  const char *const window = "The window must lie in the resized box.";
  constexpr int64_t LEAST = INT32_MIN, MOST = INT32_MAX;
  const Shape image{4, 5, 3};
  return {
      {"Images must be [H, W, 3].", {0, 0, 4, 5, 2, 2, 0, 0, 2, 2, 0}, {4, 5}},
      {"Images must be [H, W, 3].", {0, 0, 4, 5, 2, 2, 0, 0, 2, 2, 0}, {4, 5, 1}},
      {"A view has eleven numbers.", {0, 0, 4, 5, 2, 2, 0, 0, 2, 2}, image},
      {box, {1, 0, 4, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {0, 1, 4, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {-1, 0, 4, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {0, 0, 0, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {MOST, 0, MOST, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {0, 0, LEAST, 5, 2, 2, 0, 0, 2, 2, 0}, image},
      {box, {0, 0, 1, 1, 2, 2, 0, 0, 2, 2, 0}, {0, 5, 3}},
      {size, {0, 0, 4, 5, 0, 2, 0, 0, 2, 2, 0}, image},
      {size, {0, 0, 4, 5, 2, MOST, 0, 0, 2, 2, 0}, image},
      {window, {0, 0, 4, 5, 2, 2, 1, 0, 2, 2, 0}, image},
      {window, {0, 0, 4, 5, 2, 2, 0, 0, 2, 0, 0}, image},
      {window, {0, 0, 4, 5, 2, 2, 0, -1, 2, 2, 0}, image},
  };
}

Cases resizeCases() {
  Cases cases{{"weights of a resize", knownWeights}};
  for (const Refused &one : refused()) {
    cases.push_back({std::string("view refused: ") + one.sentence, [=] {
                       const std::string refusal = refusalOf([&] { viewOf(one.numbers, one.image); });
                       expect(refusal == one.sentence, "it was refused with: " + refusal);
                     }});
  }
  for (const KernelSet &set : kernelSets()) {
    for (const Shown &one : shown()) {
      cases.push_back({"resize " + nameOf(one) + ", " + set.name, [=] { check(*set.kernels, one); }});
    }
  }
  return cases;
}

const Registered registered{resizeCases};

}  // namespace
}  // namespace pefd::test
