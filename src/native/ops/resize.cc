#include "resize.h"

#include <algorithm>
#include <cmath>

namespace pefd {
namespace {

// Far beyond any image, and so few that no index is too large for what holds it.
constexpr int64_t LARGEST = 1 << 20;

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

bool holds(const View::Box &box, int64_t height, int64_t width) {
  return box.height > 0 && box.width > 0 && box.top >= 0 && box.left >= 0 && box.height <= height &&
         box.width <= width && box.top <= height - box.height && box.left <= width - box.width;
}

}  // namespace

AxisWeights bilinearWeights(long from, long length, long size, long start, long count) {
  const double scale = static_cast<double>(length) / static_cast<double>(size);
  const double support = std::max(scale, 1.0), inverse = 1.0 / support;
  const long most = 2 * static_cast<long>(std::ceil(support)) + 1;
  AxisWeights axis{count, most, {}, {}, std::vector<int>(static_cast<size_t>(count * most))};
  std::vector<double> exact(static_cast<size_t>(most));
  for (long i = 0; i < count; i++) {
    const double middle = (static_cast<double>(start + i) + 0.5) * scale;
    const long first = std::max(0L, static_cast<long>(middle - support + 0.5));
    const long taps = std::min(length, static_cast<long>(middle + support + 0.5)) - first;
    double sum = 0;
    for (long tap = 0; tap < taps; tap++) {
      exact[tap] = triangle((static_cast<double>(tap + first) - middle + 0.5) * inverse);
      sum += exact[tap];
    }
    for (long tap = 0; tap < taps; tap++) {
      axis.weights[i * most + tap] = static_cast<int>(0.5 + exact[tap] / sum * (1 << WEIGHT_BITS));
    }
    axis.first.push_back(from + first);
    axis.taps.push_back(taps);
  }
  return axis;
}

View viewOf(const Shape &numbers, const Shape &image) {
  require(image.size() == 3 && image[2] == 3, "Images must be [H, W, 3].");
  require(numbers.size() == VIEW_NUMBERS, "A view is told by eleven numbers.");
  const auto boxFrom = [&](size_t i) { return View::Box{numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]}; };
  const View view{boxFrom(0), numbers[4], numbers[5], boxFrom(6), numbers[10] != 0};
  require(image[0] <= LARGEST && image[1] <= LARGEST && holds(view.box, image[0], image[1]),
          "The box must lie in the image.");
  require(view.height > 0 && view.width > 0 && view.height <= LARGEST && view.width <= LARGEST,
          "The size must be 1 to 1048576 pixels each way.");
  require(holds(view.window, view.height, view.width), "The window must lie in the resized box.");
  return view;
}

}  // namespace pefd
