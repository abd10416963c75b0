#include "reference.h"

#include <cmath>

namespace pefd::test {
namespace {

// Calls visit(image index, filter index, output index) for every product of a convolution.
template <typename Visit>
void forEachProduct(const Convolution &conv, Visit visit) {
  const long padding = conv.kernel / 2, inputs = conv.inputs / conv.groups, outputs = conv.outputs / conv.groups;
  for (long n = 0; n < conv.n; n++)
    for (long row = 0; row < resultHeight(conv); row++)
      for (long column = 0; column < resultWidth(conv); column++)
        for (long i = 0; i < conv.kernel; i++)
          for (long j = 0; j < conv.kernel; j++) {
            const long y = row * conv.stride + i - padding, x = column * conv.stride + j - padding;
            if (y < 0 || y >= conv.h || x < 0 || x >= conv.w) continue;
            const long image = ((n * conv.h + y) * conv.w + x) * conv.inputs;
            const long tap = (i * conv.kernel + j) * inputs * conv.outputs;
            const long result = ((n * resultHeight(conv) + row) * resultWidth(conv) + column) * conv.outputs;
            for (long in = 0; in < inputs; in++)
              for (long out = 0; out < conv.outputs; out++)
                visit(image + out / outputs * inputs + in, tap + in * conv.outputs + out, result + out);
          }
}

// Byte `result` of a line resized to `size` (Pillow's bilinear filter, weights in units of 2^-22).
unsigned char naiveResized(const std::vector<unsigned char> &line, long size, long result) {
  const double length = static_cast<double>(line.size()), scale = length / static_cast<double>(size);
  const double reach = scale < 1 ? 1 : scale, middle = (static_cast<double>(result) + 0.5) * scale;
  double first = std::floor(middle - reach + 0.5), end = std::floor(middle + reach + 0.5);
  if (first < 0) first = 0;
  if (end > length) end = length;
  std::vector<double> weights;
  double sum = 0;
  for (double x = first; x < end; x++) {
    const double distance = std::fabs((x - middle + 0.5) * (1.0 / reach));
    weights.push_back(distance < 1 ? 1 - distance : 0);
    sum += weights.back();
  }
  int64_t total = 1 << 21;
  for (size_t i = 0; i < weights.size(); i++) {
    total += static_cast<int64_t>(std::floor(weights[i] / sum * 4194304 + 0.5)) * line[static_cast<size_t>(first) + i];
  }
  return static_cast<unsigned char>(total / 4194304);
}

std::vector<double> zeros(long count) { return std::vector<double>(static_cast<size_t>(count)); }

}  // namespace

long resultHeight(const Convolution &conv) { return conv.stride == 1 ? conv.h : (conv.h + 1) / 2; }
long resultWidth(const Convolution &conv) { return conv.stride == 1 ? conv.w : (conv.w + 1) / 2; }
long imageFloats(const Convolution &conv) { return conv.n * conv.h * conv.w * conv.inputs; }
long filterFloats(const Convolution &conv) {
  return conv.kernel * conv.kernel * conv.inputs / conv.groups * conv.outputs;
}
long resultFloats(const Convolution &conv) { return conv.n * resultHeight(conv) * resultWidth(conv) * conv.outputs; }

std::vector<double> naiveForward(const Convolution &conv, const Floats &x, const Floats &filter) {
  std::vector<double> y = zeros(resultFloats(conv));
  const float *images = x.data(), *taps = filter.data();
  forEachProduct(
      conv, [&](long image, long tap, long result) { y[result] += static_cast<double>(images[image]) * taps[tap]; });
  return y;
}

std::vector<double> naiveInputGradient(const Convolution &conv, const Floats &filter, const Floats &dy) {
  std::vector<double> dx = zeros(imageFloats(conv));
  const float *taps = filter.data(), *gradients = dy.data();
  forEachProduct(conv, [&](long image, long tap, long result) {
    dx[image] += static_cast<double>(taps[tap]) * gradients[result];
  });
  return dx;
}

std::vector<double> naiveFilterGradient(const Convolution &conv, const Floats &x, const Floats &dy) {
  std::vector<double> dfilter = zeros(filterFloats(conv));
  const float *images = x.data(), *gradients = dy.data();
  forEachProduct(conv, [&](long image, long tap, long result) {
    dfilter[tap] += static_cast<double>(images[image]) * gradients[result];
  });
  return dfilter;
}

Floats naiveEpilogue(const Floats &result, long channels, const Epilogue &epilogue) {
  Floats after(result.count());
  for (long i = 0; i < result.count(); i++) {
    float value = result[i];
    if (epilogue.bias != nullptr) value = naiveInstruction(ADD, value, epilogue.bias[i % channels]);
    if (epilogue.image != nullptr) value = naiveInstruction(ADD, value, epilogue.image[i]);
    if (epilogue.relu) value = naiveInstruction(RELU, value, value);
    if (epilogue.features != nullptr) value = naiveInstruction(RELU_GRADIENT, value, epilogue.features[i]);
    after[i] = value;
  }
  return after;
}

void roundToBfloat16(Floats &numbers) {
  for (long i = 0; i < numbers.count(); i++) {
    int exponent = 0;
    const double digits = std::frexp(numbers[i], &exponent);
    const double kept = std::ldexp(std::nearbyint(std::ldexp(digits, 8)), exponent - 8);
    numbers[i] = std::fabs(numbers[i]) < 0x1p-126f ? 0 : static_cast<float>(kept);
  }
}

std::vector<unsigned char> naiveResize(const std::vector<unsigned char> &image, long width, const View &view) {
  const View::Box &box = view.box, &window = view.window;
  std::vector<unsigned char> result(static_cast<size_t>(window.height * window.width * 3));
  for (long x = 0; x < window.width; x++) {
    const long column = window.left + (view.isMirrored ? window.width - 1 - x : x);
    for (long c = 0; c < 3; c++) {
      std::vector<unsigned char> upright;
      for (long row = 0; row < box.height; row++) {
        std::vector<unsigned char> line;
        for (long i = 0; i < box.width; i++) {
          line.push_back(image[static_cast<size_t>(((box.top + row) * width + box.left + i) * 3 + c)]);
        }
        upright.push_back(naiveResized(line, view.width, column));
      }
      for (long y = 0; y < window.height; y++) {
        result[static_cast<size_t>((y * window.width + x) * 3 + c)] =
            naiveResized(upright, view.height, window.top + y);
      }
    }
  }
  return result;
}

float naiveInstruction(long opcode, float a, float b) {
  if (opcode == ADD) return a + b;
  if (opcode == SUBTRACT) return a - b;
  if (opcode == MULTIPLY) return a * b;
  if (opcode == RELU) return a < 0 ? 0 : a;
  return b > 0 ? a : a * 0;
}

}  // namespace pefd::test
