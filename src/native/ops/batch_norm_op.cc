// Batch normalisation in training and its gradient, of images [N, H, W, C].
#include "../host/instruction_set.h"
#include "../host/workspace.h"
#include "op.h"

namespace pefd {
namespace {

struct Epsilon {
  float value;
};

Epsilon epsilonOf(const Attributes &attributes) { return {attributes.number("epsilon")}; }

// What follows is in the same op: an image that is added, ReLU.
template <bool hasImage, bool hasRelu>
void batchNorm(const Epsilon &epsilon, const Call &call) {
  Tensor x = call.input(0);
  const Tensor scale = call.input(1), offset = call.input(2);
  const Shape shape = shapeOf(x);
  const Normalization normalization = normalizationOf(shape, {shapeOf(scale), shapeOf(offset)});
  Epilogue epilogue;
  epilogue.relu = hasRelu;
  if (hasImage) {
    Tensor image = call.input(3);
    require(shapeOf(image) == shape, "An image that is added must have the shape of the result.");
    epilogue.image = release(std::move(image));
  }
  const Workspace workspace;
  const float *from = release(std::move(x));
  float *y = call.output(0, shape, hasImage ? std::vector<int>{0, 3} : std::vector<int>{0});
  const Shape channels{normalization.channels};
  const ChannelStatistics statistics{call.output(1, channels), call.output(2, channels), call.output(3, channels)};
  checkOutcome(instructionSet().kernels->batchNorm(workspace.host(), normalization, from, floats(scale), floats(offset),
                                                   epsilon.value, epilogue, y, statistics));
}

void batchNormGradient(const Nothing &, const Call &call) {
  Tensor dy = call.input(0), x = call.input(1);
  const Tensor scale = call.input(2), mean = call.input(3), inverse = call.input(4);
  const Shape shape = shapeOf(x);
  const Normalization normalization = normalizationOf(shape, {shapeOf(scale), shapeOf(mean), shapeOf(inverse)});
  require(shapeOf(dy) == shape, "The gradient must have the shape of the images.");
  const Workspace workspace;
  const float *gradient = release(std::move(dy)), *images = release(std::move(x));
  float *dx = call.output(0, shape, {0, 1});
  const Shape channels{normalization.channels};
  float *dscale = call.output(1, channels), *doffset = call.output(2, channels);
  checkOutcome(instructionSet().kernels->batchNormGradient(workspace.host(), normalization, gradient, images,
                                                           floats(scale), floats(mean), floats(inverse), dx, dscale,
                                                           doffset));
}

// The first output has the shape of the first input, the others one number for each channel.
template <int OUTPUTS>
void shapes(const Inference &inference) {
  const ShapeHandle images = inference.image(0);
  const ShapeHandle channels = inference.dimension(images, 3);
  inference.setOutput(0, images);
  for (int output = 1; output < OUTPUTS; output++) inference.setOutput(output, channels);
}

template <bool hasImage, bool hasRelu>
Op forwardOp(const char *name) {
  std::vector<const char *> inputs{"x: float", "scale: float", "offset: float"};
  if (hasImage) inputs.push_back("image: float");
  return {name,
          {"epsilon: float"},
          std::move(inputs),
          {"y: float", "mean: float", "variance: float", "inverse: float"},
          inferShapes<shapes<4>>,
          createNode<Epsilon, epsilonOf>,
          computeNode<Epsilon, batchNorm<hasImage, hasRelu>>,
          removeNode<Epsilon>};
}

}  // namespace

std::vector<Op> batchNormOps() {
  return {forwardOp<false, false>("PefdBatchNorm"),
          forwardOp<false, true>("PefdBatchNormRelu"),
          forwardOp<true, false>("PefdBatchNormAdd"),
          forwardOp<true, true>("PefdBatchNormAddRelu"),
          {"PefdBatchNormGrad",
           {},
           {"y_backprop: float", "x: float", "scale: float", "mean: float", "inverse: float"},
           {"x_backprop: float", "scale_backprop: float", "offset_backprop: float"},
           inferShapes<shapes<3>>,
           createNode<Nothing, nothing>,
           computeNode<Nothing, batchNormGradient>,
           removeNode<Nothing>}};
}

}  // namespace pefd
