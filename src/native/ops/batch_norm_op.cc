// PefdBatchNorm*: batch normalisation in training and its gradient, on images [N, H, W, C].
#include "../host/workspace.h"
#include "op.h"

namespace pefd {
namespace {

// Attributes of a node.
struct Node {
  float epsilon;
  // Whether activations are bfloat16.
  bool isBfloat16;
};

Node forwardNode(const Attributes &attributes) { return {attributes.number("epsilon"), isBfloat16Node(attributes)}; }

Node gradientNode(const Attributes &attributes) { return {0, isBfloat16Node(attributes)}; }

// Forward with a fused addend and ReLU.
template <bool hasImage, bool hasRelu>
struct Forward {
  template <typename Number>
  static void run(const Node &node, const Call &call) {
    Tensor x = call.input(0);
    const Tensor scale = call.input(1), offset = call.input(2);
    const Shape shape = shapeOf(x);
    const Normalization normalization = normalizationOf(shape, {shapeOf(scale), shapeOf(offset)});
    EpilogueOf<Number> epilogue;
    epilogue.relu = hasRelu;
    if (hasImage) {
      Tensor image = call.input(3);
      require(shapeOf(image) == shape, "An image that is added must have the shape of the result.");
      epilogue.image = release<Number>(std::move(image));
    }
    const Workspace workspace;
    const Number *from = release<Number>(std::move(x));
    Number *y = call.output<Number>(0, shape, hasImage ? std::vector<int>{0, 3} : std::vector<int>{0});
    const Shape channels{normalization.channels};
    const ChannelStatistics statistics{call.output(1, channels), call.output(2, channels), call.output(3, channels)};
    checkOutcome(imageKernels<Number>().batchNorm(workspace.host(), normalization, from, floats(scale), floats(offset),
                                                  node.epsilon, epilogue, y, statistics));
  }
};

struct Gradient {
  template <typename Number>
  static void run(const Node &, const Call &call) {
    Tensor dy = call.input(0), x = call.input(1);
    const Tensor scale = call.input(2), mean = call.input(3), inverse = call.input(4);
    const Shape shape = shapeOf(x);
    const Normalization normalization = normalizationOf(shape, {shapeOf(scale), shapeOf(mean), shapeOf(inverse)});
    require(shapeOf(dy) == shape, "The gradient must have the shape of the images.");
    const Workspace workspace;
    const Number *gradient = release<Number>(std::move(dy)), *images = release<Number>(std::move(x));
    Number *dx = call.output<Number>(0, shape, {0, 1});
    const Shape channels{normalization.channels};
    float *dscale = call.output(1, channels), *doffset = call.output(2, channels);
    checkOutcome(imageKernels<Number>().batchNormGradient(workspace.host(), normalization, gradient, images,
                                                          floats(scale), floats(mean), floats(inverse), dx, dscale,
                                                          doffset));
  }
};

// Shape inference: the first output has the shape of the first input, the others are per channel.
template <int OUTPUTS>
void shapes(const Inference &inference) {
  const ShapeHandle images = inference.image(0);
  const ShapeHandle channels = inference.dimension(images, 3);
  inference.setOutput(0, images);
  for (int output = 1; output < OUTPUTS; output++) inference.setOutput(output, channels);
}

template <bool hasImage, bool hasRelu>
Op forwardOp(const char *name) {
  std::vector<const char *> inputs{"x: T", "scale: float", "offset: float"};
  if (hasImage) inputs.push_back("image: T");
  return nodeOp<Node, forwardNode, onImages<Forward<hasImage, hasRelu>, Node>, shapes<4>>(
      name, {NUMBERS, "epsilon: float"}, std::move(inputs),
      {"y: T", "mean: float", "variance: float", "inverse: float"});
}

const Registered batchNormOps{
    forwardOp<false, false>("PefdBatchNorm"),
    forwardOp<false, true>("PefdBatchNormRelu"),
    forwardOp<true, false>("PefdBatchNormAdd"),
    forwardOp<true, true>("PefdBatchNormAddRelu"),
    nodeOp<Node, gradientNode, onImages<Gradient, Node>, shapes<3>>(
        "PefdBatchNormGrad", {NUMBERS}, {"y_backprop: T", "x: T", "scale: float", "mean: float", "inverse: float"},
        {"x_backprop: T", "scale_backprop: float", "offset_backprop: float"}),
};

}  // namespace
}  // namespace pefd
