#include "reference.h"

namespace pefd::test {
namespace {

// Calls visit(index in images, index in the filter, index in results) for every product of a convolution.
template <typename Visit>
void forEachProduct(const Convolution &conv, Visit visit) {
  const long padding = conv.kernel / 2;
  for (long n = 0; n < conv.n; n++)
    for (long row = 0; row < resultHeight(conv); row++)
      for (long column = 0; column < resultWidth(conv); column++)
        for (long i = 0; i < conv.kernel; i++)
          for (long j = 0; j < conv.kernel; j++) {
            const long y = row * conv.stride + i - padding, x = column * conv.stride + j - padding;
            if (y < 0 || y >= conv.h || x < 0 || x >= conv.w) continue;
            const long image = ((n * conv.h + y) * conv.w + x) * conv.inputs;
            const long tap = (i * conv.kernel + j) * conv.inputs * conv.outputs;
            const long result = ((n * resultHeight(conv) + row) * resultWidth(conv) + column) * conv.outputs;
            for (long in = 0; in < conv.inputs; in++)
              for (long out = 0; out < conv.outputs; out++)
                visit(image + in, tap + in * conv.outputs + out, result + out);
          }
}

std::vector<double> zeros(long count) { return std::vector<double>(static_cast<size_t>(count)); }

}  // namespace

long resultHeight(const Convolution &conv) { return conv.stride == 1 ? conv.h : (conv.h + 1) / 2; }
long resultWidth(const Convolution &conv) { return conv.stride == 1 ? conv.w : (conv.w + 1) / 2; }
long imageFloats(const Convolution &conv) { return conv.n * conv.h * conv.w * conv.inputs; }
long filterFloats(const Convolution &conv) { return conv.kernel * conv.kernel * conv.inputs * conv.outputs; }
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

float naiveInstruction(long opcode, float a, float b) {
  if (opcode == ADD) return a + b;
  if (opcode == SUBTRACT) return a - b;
  if (opcode == MULTIPLY) return a * b;
  if (opcode == RELU) return a < 0 ? 0 : a;
  return b > 0 ? a : a * 0;
}

}  // namespace pefd::test
