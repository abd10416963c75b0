// A part of a resized image as an op: what is asked of it comes as a tensor, since it is another one for every image.
#include <memory>

#include "../host/instruction_set.h"
#include "op.h"
#include "resize.h"

namespace pefd {
namespace {

void resizeImage(const Nothing &, const Call &call) {
  const Tensor image = call.input(0);
  const View view = viewOf(shapeIn(call.input(1)), shapeOf(image));
  const auto &[box, height, width, window, isMirrored] = view;
  const AxisWeights across = bilinearWeights(box.left, box.width, width, window.left, window.width);
  const AxisWeights down = bilinearWeights(box.top, box.height, height, window.top, window.height);
  // As whole numbers, which TensorFlow.js can read; the last one is filled up with zeros.
  const int64_t bytes = 3 * window.height * window.width, numbers = (bytes + 3) / 4;
  int32_t *packed = call.output<int32_t>(0, {numbers});
  packed[numbers - 1] = 0;
  const long imageWidth = shapeOf(image)[1];
  const std::unique_ptr<unsigned char[]> lines(new unsigned char[resizeLines(imageWidth)]);
  const std::unique_ptr<unsigned char[]> between(new unsigned char[resizeBetween(down.pixels(), window.width)]);
  instructionSet().kernels->resize({elements<unsigned char>(image), imageWidth, across.axis(), down.axis(), isMirrored,
                                    lines.get(), between.get(), reinterpret_cast<unsigned char *>(packed)});
}

void resizeShape(const Inference &inference) { inference.setUnknown(); }

}  // namespace

std::vector<Op> resizeOps() {
  return {{"PefdResize",
           {},
           {"image: uint8", "view: int32"},
           {"pixels: int32"},
           inferShapes<resizeShape>,
           createNode<Nothing, nothing>,
           computeNode<Nothing, resizeImage>,
           removeNode<Nothing>}};
}

}  // namespace pefd
