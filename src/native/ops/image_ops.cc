// PefdNormalize: bytes to normalised floats with a lookup table; images travel as bytes, four per int32. PefdResize:
// part of a resized image; the view is a tensor since it differs per image. PefdHostMemory: a batch out of the ring of
// images, which its caller does not change before the call ends.
#include <cstring>
#include <memory>
#include <stdexcept>

#include "../host/instruction_set.h"
#include "../host/workspace.h"
#include "geometry.h"
#include "op.h"

namespace pefd {
namespace {

constexpr int64_t CHANNELS_OF_IMAGE = 3, LEVELS = 256;

// Values per image.
struct Size {
  int64_t values;
};

Size sizeOfNode(const Attributes &attributes) {
  const int64_t values = attributes.integer("size");
  require(values % CHANNELS_OF_IMAGE == 0, "Images must have three channels.");
  return {values};
}

struct Work {
  const unsigned char *bytes;
  // [LEVELS, CHANNELS_OF_IMAGE]
  const float *table;
  float *values;
  // Bytes and values per image.
  int64_t stride, size;
};

void normalizeImage(void *context, long image, long /*worker*/) noexcept {
  const auto &[bytes, table, values, stride, size] = *static_cast<const Work *>(context);
  const unsigned char *from = bytes + image * stride;
  float *to = values + image * size;
  for (int64_t i = 0; i < size; i += CHANNELS_OF_IMAGE) {
    for (int64_t channel = 0; channel < CHANNELS_OF_IMAGE; channel++)
      to[i + channel] = table[CHANNELS_OF_IMAGE * from[i + channel] + channel];
  }
}

void normalize(const Size &size, const Call &call) {
  const Tensor packed = call.input(0), table = call.input(1);
  const Shape shape = shapeOf(packed);
  require(shape.size() == 2 && shape[1] == (size.values + 3) / 4, "Images must be [N, words] of as many bytes.");
  require(TF_TensorElementCount(table.get()) == LEVELS * CHANNELS_OF_IMAGE,
          "The table must have 256 levels of 3 channels.");
  float *values = call.output(0, {shape[0], size.values});
  Work work{elements<unsigned char>(packed), floats(table), values, 4 * shape[1], size.values};
  const Workspace workspace;
  const Host &host = workspace.host();
  host.parallelFor(host.self, static_cast<long>(shape[0]), normalizeImage, &work);
}

const Registered normalizeOps{nodeOp<Size, sizeOfNode, normalize, unknownShape>(
    "PefdNormalize", {"size: int >= 3"}, {"words: int32", "table: float"}, {"values: float"})};

void resizeImage(const NoAttributes &, const Call &call) {
  const Tensor image = call.input(0);
  const View view = viewOf(shapeIn(call.input(1)), shapeOf(image));
  const auto &[box, height, width, window, isMirrored] = view;
  const AxisWeights across = bilinearWeights(box.left, box.width, width, window.left, window.width);
  const AxisWeights down = bilinearWeights(box.top, box.height, height, window.top, window.height);
  // As int32, which TensorFlow.js can read, zero-padded.
  const int64_t bytes = 3 * window.height * window.width, numbers = (bytes + 3) / 4;
  int32_t *packed = call.output<int32_t>(0, {numbers});
  packed[numbers - 1] = 0;
  const long imageWidth = shapeOf(image)[1];
  const std::unique_ptr<unsigned char[]> lines(new unsigned char[resizeLines(imageWidth)]);
  const std::unique_ptr<unsigned char[]> between(new unsigned char[resizeBetween(down.pixels(), window.width)]);
  instructionSet().kernels->resize({elements<unsigned char>(image), imageWidth, across.axis(), down.axis(), isMirrored,
                                    lines.get(), between.get(), reinterpret_cast<unsigned char *>(packed)});
}

const Registered resizeOps{nodeOp<NoAttributes, noAttributes, resizeImage, unknownShape>(
    "PefdResize", {}, {"image: uint8", "view: int32"}, {"pixels: int32"})};

Shape shapeOfNode(const Attributes &attributes) { return attributes.integers("shape"); }

// A copy that a call makes while its other ops compute; on its way to a GPU TensorFlow allocates pinned memory for it.
void copyHostMemory(const Shape &shape, const Call &call) {
  const Tensor address = call.input(0);
  require(TF_TensorByteSize(address.get()) == sizeof(uintptr_t), "An address must be two int32.");
  const void *from = nullptr;
  std::memcpy(&from, TF_TensorData(address.get()), sizeof from);
  int64_t bytes = sizeof(int32_t);
  for (const int64_t size : shape) bytes *= size;
  std::memcpy(call.output<int32_t>(0, shape), from, static_cast<size_t>(bytes));
}

const Registered memoryOps{nodeOp<Shape, shapeOfNode, copyHostMemory, unknownShape>(
    "PefdHostMemory", {"shape: list(int)"}, {"address: int32"}, {"words: int32"})};

}  // namespace
}  // namespace pefd
