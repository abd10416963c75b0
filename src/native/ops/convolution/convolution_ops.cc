// Convolutions by the names of TensorFlow's own ops with "Pefd" in front: the same inputs and attributes, but only
// filters of 3x3 and 1x1, strides 1 and 2, PyTorch's padding, NHWC, and channels in multiples of 16, or any in groups
// for 1x1 with stride 1. The first convolution of a model, 3x3, takes images of less than 16 channels, in float32 whatever its
// results are in, to any; such images have no gradient. With the attribute `reduced`, products are made of 16 bits by what
// the processor has for them, where channels come in multiples of 16 and in one group; they are wherever images are in
// bfloat16, which such channels may be. Filters and biases are in float32.
#include <mutex>
#include <set>
#include <string>

#include "../numbers.h"
#include "node.h"
#include "shapes.h"

namespace pefd {
namespace {

// What a convolution is told.
struct Node {
  Geometry geometry;
  // Whether products are made of 16 bits.
  bool isReduced;
  // Whether images are in bfloat16.
  bool isNarrow;
};

Node nodeOf(const Attributes &attributes) {
  const bool isReduced = attributes.isSet("reduced");
  require(!isReduced || reducedProducts().kernels != nullptr, "This processor has no products of 16 bits.");
  return {geometryOfNode(attributes), isReduced, areNarrow(attributes)};
}

// The kernels for a convolution of images of such numbers.
template <typename Number>
const ConvolutionKernelsOf<Number> &kernelsFor(const Node &node, const Convolution &conv) {
  const bool isEven = conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
  require(!node.isNarrow || isEven, "Images in bfloat16 must have channels in multiples of 16, in one group.");
  if constexpr (std::is_same<Number, float>::value) {
    if (node.isReduced && isEven) return *reducedProducts().kernels;
  }
  return imageKernels<Number>();
}

std::mutex inFloatsMutex;
std::set<std::string> inFloats;

// Keeps in mind that a convolution needed float32 where whole numbers were asked for.
// @throws std::bad_alloc where a kernel's memory was short
void checkConvolution(Outcome outcome, const Convolution &conv) {
  checkOutcome(outcome);
  if (outcome != Outcome::DONE_IN_FLOATS) return;
  const std::string size = std::to_string(conv.kernel);
  const std::lock_guard<std::mutex> lock(inFloatsMutex);
  inFloats.insert(size + "x" + size + " from " + std::to_string(conv.inputs) + " to " + std::to_string(conv.outputs) +
                  " channels");
}

// The images of a convolution.
// @throws std::invalid_argument where they are made of other numbers than those
template <typename Number>
const Number *imagesIn(const Tensor &images) {
  constexpr TF_DataType TYPE = std::is_same<Number, float>::value ? TF_FLOAT : TF_BFLOAT16;
  require(TF_TensorType(images.get()) == TYPE,
          "Images must be of the results' type, or float32 where they have less than 16 channels.");
  return elements<Number>(images);
}

// The forward pass and what follows it in one op: a bias, an image that is added, ReLU.
template <bool hasBias, bool hasImage, bool hasRelu>
struct Forward {
  template <typename Number>
  static void run(const Node &node, const Call &call) {
    const Workspace workspace;
    const Tensor x = call.input(0), filter = call.input(1), bias = hasBias ? call.input(2) : nullptr;
    const Convolution conv = convolutionOf(node.geometry, shapeOf(x), shapeOf(filter));
    const Shape shape = resultsOf(conv);
    EpilogueOf<Number> epilogue;
    epilogue.relu = hasRelu;
    if (hasBias) {
      require(shapeOf(bias) == Shape{conv.outputs}, "A bias is one number per output channel.");
      epilogue.bias = floats(bias);
    }
    if (hasImage) epilogue.image = release<Number>(imageOf(call, 3, shape));
    Number *y = call.output<Number>(0, shape, hasImage ? std::vector<int>{3} : std::vector<int>{});
    const Host &host = workspace.host();
    checkConvolution(
        isStem(conv)
            ? imageKernels<Number>().stemForward(host, conv, imagesIn<float>(x), floats(filter), epilogue, y)
            : kernelsFor<Number>(node, conv).forward(host, conv, imagesIn<Number>(x), floats(filter), epilogue, y),
        conv);
  }
};

// The gradient of the images and what follows it in one op: an image that is added, the gradient of ReLU.
template <bool hasImage, bool hasRelu>
struct InputGradient {
  template <typename Number>
  static void run(const Node &node, const Call &call) {
    const Workspace workspace;
    const Tensor sizes = call.input(0), filter = call.input(1);
    const Convolution conv = convolutionOf(node.geometry, shapeIn(sizes), shapeOf(filter));
    require(!isStem(conv), "Images of less than 16 channels have no gradient here.");
    const Tensor dy = imageOf(call, 2, resultsOf(conv));
    const Shape shape = imagesOf(conv);
    EpilogueOf<Number> epilogue;
    if (hasImage) epilogue.image = release<Number>(imageOf(call, 3, shape));
    const Tensor features = hasRelu ? imageOf(call, hasImage ? 4 : 3, shape) : nullptr;
    if (hasRelu) epilogue.features = elements<Number>(features);
    Number *dx = call.output<Number>(0, shape, hasImage ? std::vector<int>{3} : std::vector<int>{});
    checkConvolution(kernelsFor<Number>(node, conv).inputGradient(workspace.host(), conv, floats(filter),
                                                                  elements<Number>(dy), epilogue, dx),
                     conv);
  }
};

struct FilterGradient {
  template <typename Number>
  static void run(const Node &node, const Call &call) {
    const Workspace workspace;
    const Tensor x = call.input(0), sizes = call.input(1);
    const Convolution conv = convolutionOf(node.geometry, shapeOf(x), shapeIn(sizes));
    const Tensor dy = imageOf(call, 2, resultsOf(conv));
    float *dfilter = call.output(0, filterOf(conv));
    const Host &host = workspace.host();
    checkOutcome(
        isStem(conv)
            ? imageKernels<Number>().stemFilterGradient(host, conv, imagesIn<float>(x), elements<Number>(dy), dfilter)
            : kernelsFor<Number>(node, conv).filterGradient(host, conv, imagesIn<Number>(x), elements<Number>(dy), dfilter));
  }
};

// Images that may be of another type than results, and what says which.
const char *const IMAGES = "input: Tinput", *const TYPE_OF_IMAGES = "Tinput: {float, bfloat16} = DT_FLOAT";

// An op with Conv2D's attributes, and some more.
template <typename Work>
Op convolutionOp(const char *name, std::vector<const char *> inputs, std::vector<const char *> more,
                 void (*shape)(TF_ShapeInferenceContext *, TF_Status *), const char *output = "output: T") {
  std::vector<const char *> attributes = ATTRIBUTES;
  attributes.insert(attributes.end(),
                    {NUMBERS, "use_cudnn_on_gpu: bool = true", "reduced: bool = false"});
  attributes.insert(attributes.end(), more.begin(), more.end());
  return nodeOp<Node, nodeOf, onImages<Work, Node>>(name, std::move(attributes), std::move(inputs), shape, output);
}

template <bool hasBias, bool hasImage, bool hasRelu>
Op forwardOp(const char *name, std::vector<const char *> more) {
  std::vector<const char *> inputs{IMAGES, "filter: float"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return convolutionOp<Forward<hasBias, hasImage, hasRelu>>(name, std::move(inputs), {TYPE_OF_IMAGES},
                                                            inferShapes<forwardShape>);
}

template <bool hasImage, bool hasRelu>
Op inputGradientOp(const char *name, std::vector<const char *> more) {
  std::vector<const char *> inputs{"input_sizes: int32", "filter: float", "out_backprop: T"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return convolutionOp<InputGradient<hasImage, hasRelu>>(name, std::move(inputs), {}, inferShapes<inputGradientShape>);
}

}  // namespace

std::string convolutionsInFloats() {
  const std::lock_guard<std::mutex> lock(inFloatsMutex);
  std::string all;
  for (const std::string &one : inFloats) all += (all.empty() ? "" : ", ") + one;
  return all;
}

std::vector<Op> convolutionOps() {
  return {
      forwardOp<false, false, false>("PefdConv2D", {}),
      forwardOp<true, false, false>("PefdConv2DBias", {"bias: float"}),
      forwardOp<true, false, true>("PefdConv2DBiasRelu", {"bias: float"}),
      forwardOp<true, true, false>("PefdConv2DBiasAdd", {"bias: float", "image: T"}),
      forwardOp<true, true, true>("PefdConv2DBiasAddRelu", {"bias: float", "image: T"}),
      inputGradientOp<false, false>("PefdConv2DBackpropInput", {}),
      inputGradientOp<false, true>("PefdConv2DBackpropInputReluGrad", {"features: T"}),
      inputGradientOp<true, false>("PefdConv2DBackpropInputAdd", {"image: T"}),
      inputGradientOp<true, true>("PefdConv2DBackpropInputAddReluGrad", {"image: T", "features: T"}),
      convolutionOp<FilterGradient>("PefdConv2DBackpropFilter", {IMAGES, "filter_sizes: int32", "out_backprop: T"},
                                    {TYPE_OF_IMAGES}, inferShapes<filterGradientShape>, "output: float"),
  };
}

}  // namespace pefd
