#include "shapes.h"

#include "../geometry.h"

namespace pefd {
namespace {

// Sizes that are not known may be anything.
bool mayBe(int64_t size, int64_t other) { return size == other || size == UNKNOWN || other == UNKNOWN; }

void requireChannels(int64_t channels) {
  const bool fit = channels == UNKNOWN || (channels > 0 && channels % CHANNELS == 0);
  require(fit, "Channels must come in multiples of 16.");
}

// Whether a filter of 1x1 may have any channels, in groups: strides are not known.
bool isFree(const Inference &inference, const ShapeHandle &filter) { return mayBe(inference.size(filter, 0), 1); }

ShapeHandle filterAt(const Inference &inference, int index) {
  ShapeHandle filter = inference.image(index);
  const int64_t kernel = inference.size(filter, 0);
  require(mayBe(kernel, inference.size(filter, 1)) && (mayBe(kernel, 3) || mayBe(kernel, 1)),
          "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].");
  if (isFree(inference, filter)) return filter;
  const int64_t inputs = inference.size(filter, 2);
  if (inputs > 0 && inputs < CHANNELS) return filter;
  requireChannels(inputs);
  requireChannels(inference.size(filter, 3));
  return filter;
}

// Images with as many channels as the filter has on one of its axes, or any where `any` says so.
ShapeHandle imagesAt(const Inference &inference, int index, const ShapeHandle &filter, int64_t axis, bool any = false) {
  ShapeHandle images = inference.image(index);
  require(any || mayBe(inference.size(images, 3), inference.size(filter, axis)),
          "Images must be [N, H, W, C] with the filter's channels.");
  return images;
}

// Two dimensions that are not known. Each is one of its own: TensorFlow takes the same one twice for equal sizes, and
// drops all that it knows of a graph in which they are not.
ShapeHandle anyTwo(const Inference &inference) {
  return inference.joined(inference.anyDimension(), inference.anyDimension());
}

// Images of some height and width, as many as others.
ShapeHandle imagesLike(const Inference &inference, const ShapeHandle &others, const ShapeHandle &channels) {
  return inference.joined(inference.joined(inference.dimension(others, 0), anyTwo(inference)), channels);
}

void requireDepthwise(const Inference &inference, const ShapeHandle &filter) {
  require(mayBe(inference.size(filter, 0), 3) && mayBe(inference.size(filter, 1), 3) &&
              mayBe(inference.size(filter, 3), 1),
          "The filter must be [3, 3, channels, 1].");
}

// The channels of images, which something else has on one of its axes.
ShapeHandle channelsOfBoth(const Inference &inference, const ShapeHandle &images, const ShapeHandle &other,
                           int64_t axis) {
  require(mayBe(inference.size(images, 3), inference.size(other, axis)),
          "Images must be [N, H, W, C] with the filter's channels.");
  return inference.dimension(images, 3);
}

}  // namespace

void forwardShape(const Inference &inference) {
  const ShapeHandle filter = filterAt(inference, 1);
  const ShapeHandle images = imagesAt(inference, 0, filter, 2, isFree(inference, filter));
  inference.setOutput(0, inference.inputs() > 3 ? imagesAt(inference, 3, filter, 3)
                                                : imagesLike(inference, images, inference.dimension(filter, 3)));
}

void inputGradientShape(const Inference &inference) {
  const ShapeHandle filter = filterAt(inference, 1), dy = imagesAt(inference, 2, filter, 3);
  const bool isAny = isFree(inference, filter);
  const ShapeHandle channels = isAny ? inference.anyDimension() : inference.dimension(filter, 2);
  inference.setOutput(0, inference.inputs() > 3 ? imagesAt(inference, 3, filter, 2, isAny)
                                                : imagesLike(inference, dy, channels));
}

void filterGradientShape(const Inference &inference) {
  inference.image(0);
  const ShapeHandle dy = inference.image(2);
  const ShapeHandle channels = inference.joined(inference.anyDimension(), inference.dimension(dy, 3));
  inference.setOutput(0, inference.joined(anyTwo(inference), channels));
}

void depthwiseShape(const Inference &inference) {
  const ShapeHandle images = inference.image(0), filter = inference.image(1);
  requireDepthwise(inference, filter);
  inference.setOutput(0, imagesLike(inference, images, channelsOfBoth(inference, images, filter, 2)));
}

void depthwiseInputGradientShape(const Inference &inference) {
  const ShapeHandle filter = inference.image(1), dy = inference.image(2);
  requireDepthwise(inference, filter);
  inference.setOutput(0, imagesLike(inference, dy, channelsOfBoth(inference, dy, filter, 2)));
}

void depthwiseFilterGradientShape(const Inference &inference) {
  const ShapeHandle images = inference.image(0), dy = inference.image(2);
  const ShapeHandle channels = inference.joined(channelsOfBoth(inference, images, dy, 3), inference.anyDimension());
  inference.setOutput(0, inference.joined(anyTwo(inference), channels));
}

}  // namespace pefd
