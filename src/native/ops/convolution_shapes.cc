#include "convolution_shapes.h"

#include "geometry.h"

namespace pefd {
namespace {

// Sizes that are not known may be anything.
bool mayBe(int64_t size, int64_t other) { return size == other || size == UNKNOWN || other == UNKNOWN; }

void requireChannels(int64_t channels) {
  const bool fit = channels == UNKNOWN || (channels > 0 && channels % CHANNELS == 0);
  require(fit, "Channels must come in multiples of 16.");
}

ShapeHandle filterAt(const Inference &inference, int index) {
  ShapeHandle filter = inference.image(index);
  const int64_t kernel = inference.size(filter, 0);
  require(mayBe(kernel, inference.size(filter, 1)) && (mayBe(kernel, 3) || mayBe(kernel, 1)),
          "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].");
  requireChannels(inference.size(filter, 2));
  requireChannels(inference.size(filter, 3));
  return filter;
}

// Images with as many channels as the filter has on one of its axes.
ShapeHandle imagesAt(const Inference &inference, int index, const ShapeHandle &filter, int64_t axis) {
  ShapeHandle images = inference.image(index);
  require(mayBe(inference.size(images, 3), inference.size(filter, axis)),
          "Images must be [N, H, W, C] with the filter's channels.");
  return images;
}

// Images of some height and width, as many as others.
ShapeHandle imagesLike(const Inference &inference, const ShapeHandle &others, const ShapeHandle &channels) {
  const ShapeHandle n = inference.dimension(others, 0), any = inference.anyDimension();
  return inference.joined(inference.joined(n, inference.joined(any, any)), channels);
}

}  // namespace

void forwardShape(const Inference &inference) {
  const ShapeHandle filter = filterAt(inference, 1), images = imagesAt(inference, 0, filter, 2);
  inference.setOutput(0, inference.inputs() > 3 ? imagesAt(inference, 3, filter, 3)
                                                : imagesLike(inference, images, inference.dimension(filter, 3)));
}

void inputGradientShape(const Inference &inference) {
  const ShapeHandle filter = filterAt(inference, 1), dy = imagesAt(inference, 2, filter, 3);
  inference.setOutput(0, inference.inputs() > 3 ? imagesAt(inference, 3, filter, 2)
                                                : imagesLike(inference, dy, inference.dimension(filter, 2)));
}

void filterGradientShape(const Inference &inference) {
  const ShapeHandle images = inference.image(0), dy = inference.image(2);
  requireChannels(inference.size(images, 3));
  requireChannels(inference.size(dy, 3));
  const ShapeHandle any = inference.anyDimension();
  const ShapeHandle channels = inference.joined(inference.dimension(images, 3), inference.dimension(dy, 3));
  inference.setOutput(0, inference.joined(inference.joined(any, any), channels));
}

}  // namespace pefd
