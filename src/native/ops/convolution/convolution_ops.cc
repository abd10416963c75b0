// Convolutions by the names of TensorFlow's own ops with "Pefd" in front: the same inputs and attributes, but only
// filters of 3x3 and 1x1, strides 1 and 2, PyTorch's padding, NHWC, and channels in multiples of 16, or any in groups
// for 1x1 with stride 1. With the attribute `reduced`, products are made of 16 bits by what the processor has for them,
// where channels come in multiples of 16 and in one group.
#include "shapes.h"
#include "node.h"

namespace pefd {
namespace {

// What a convolution is told.
struct Node {
  Geometry geometry;
  // Whether products are made of 16 bits.
  bool isReduced;
};

Node nodeOf(const Attributes &attributes) {
  const bool isReduced = attributes.isSet("reduced");
  require(!isReduced || reducedProducts().kernels != nullptr, "This processor has no products of 16 bits.");
  return {geometryOfNode(attributes), isReduced};
}

const ConvolutionKernels &kernelsFor(const Node &node, const Convolution &conv) {
  const bool isEven = conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
  if (node.isReduced && isEven) return *reducedProducts().kernels;
  return kernels();
}

// The forward pass and what follows it in one op: a bias, an image that is added, ReLU.
template <bool hasBias, bool hasImage, bool hasRelu>
void forward(const Node &node, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0), filter = call.input(1), bias = hasBias ? call.input(2) : nullptr;
  const Convolution conv = convolutionOf(node.geometry, shapeOf(x), shapeOf(filter));
  const Shape shape = resultsOf(conv);
  Epilogue epilogue;
  epilogue.relu = hasRelu;
  if (hasBias) {
    require(shapeOf(bias) == Shape{conv.outputs}, "A bias is one number per output channel.");
    epilogue.bias = floats(bias);
  }
  if (hasImage) epilogue.image = release(imageOf(call, 3, shape));
  float *y = call.output(0, shape, hasImage ? std::vector<int>{3} : std::vector<int>{});
  checkOutcome(kernelsFor(node, conv).forward(workspace.host(), conv, floats(x), floats(filter), epilogue, y));
}

// The gradient of the images and what follows it in one op: an image that is added, the gradient of ReLU.
template <bool hasImage, bool hasRelu>
void inputGradient(const Node &node, const Call &call) {
  const Workspace workspace;
  const Tensor sizes = call.input(0), filter = call.input(1);
  const Convolution conv = convolutionOf(node.geometry, shapeIn(sizes), shapeOf(filter));
  const Tensor dy = imageOf(call, 2, resultsOf(conv));
  const Shape shape = imagesOf(conv);
  Epilogue epilogue;
  if (hasImage) epilogue.image = release(imageOf(call, 3, shape));
  const Tensor features = hasRelu ? imageOf(call, hasImage ? 4 : 3, shape) : nullptr;
  if (hasRelu) epilogue.features = floats(features);
  float *dx = call.output(0, shape, hasImage ? std::vector<int>{3} : std::vector<int>{});
  checkOutcome(kernelsFor(node, conv).inputGradient(workspace.host(), conv, floats(filter), floats(dy), epilogue, dx));
}

void filterGradient(const Node &node, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0), sizes = call.input(1);
  const Convolution conv = convolutionOf(node.geometry, shapeOf(x), shapeIn(sizes));
  const Tensor dy = imageOf(call, 2, resultsOf(conv));
  float *dfilter = call.output(0, filterOf(conv));
  checkOutcome(kernelsFor(node, conv).filterGradient(workspace.host(), conv, floats(x), floats(dy), dfilter));
}

// An op with Conv2D's attributes.
template <void (*run)(const Node &, const Call &)>
Op convolutionOp(const char *name, std::vector<const char *> inputs,
                 void (*shape)(TF_ShapeInferenceContext *, TF_Status *)) {
  std::vector<const char *> attributes = ATTRIBUTES;
  attributes.insert(attributes.end(), {"use_cudnn_on_gpu: bool = true", "reduced: bool = false"});
  return nodeOp<Node, nodeOf, run>(name, std::move(attributes), std::move(inputs), shape);
}

template <bool hasBias, bool hasImage, bool hasRelu>
Op forwardOp(const char *name, std::vector<const char *> inputs) {
  return convolutionOp<forward<hasBias, hasImage, hasRelu>>(name, std::move(inputs), inferShapes<forwardShape>);
}

template <bool hasImage, bool hasRelu>
Op inputGradientOp(const char *name, std::vector<const char *> inputs) {
  return convolutionOp<inputGradient<hasImage, hasRelu>>(name, std::move(inputs), inferShapes<inputGradientShape>);
}

}  // namespace

std::vector<Op> convolutionOps() {
  return {
      forwardOp<false, false, false>("PefdConv2D", {"input: T", "filter: T"}),
      forwardOp<true, false, false>("PefdConv2DBias", {"input: T", "filter: T", "bias: T"}),
      forwardOp<true, false, true>("PefdConv2DBiasRelu", {"input: T", "filter: T", "bias: T"}),
      forwardOp<true, true, false>("PefdConv2DBiasAdd", {"input: T", "filter: T", "bias: T", "image: T"}),
      forwardOp<true, true, true>("PefdConv2DBiasAddRelu", {"input: T", "filter: T", "bias: T", "image: T"}),
      inputGradientOp<false, false>("PefdConv2DBackpropInput", {"input_sizes: int32", "filter: T", "out_backprop: T"}),
      inputGradientOp<false, true>("PefdConv2DBackpropInputReluGrad",
                                   {"input_sizes: int32", "filter: T", "out_backprop: T", "features: T"}),
      inputGradientOp<true, false>("PefdConv2DBackpropInputAdd",
                                   {"input_sizes: int32", "filter: T", "out_backprop: T", "image: T"}),
      inputGradientOp<true, true>("PefdConv2DBackpropInputAddReluGrad",
                                  {"input_sizes: int32", "filter: T", "out_backprop: T", "image: T", "features: T"}),
      convolutionOp<filterGradient>("PefdConv2DBackpropFilter", {"input: T", "filter_sizes: int32", "out_backprop: T"},
                                    inferShapes<filterGradientShape>),
  };
}

}  // namespace pefd
