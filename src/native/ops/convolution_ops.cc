// PefdConv2D* and PefdDepthwiseConv2dNative*: TensorFlow's inputs and attributes, but only NHWC, PyTorch's padding,
// stride 1 or 2, and these filters: 3x3 or 1x1 with channels in multiples of 16; 1x1 of stride 1 with any channels,
// in groups; 3x3 on fewer than 16 float32 input channels (the stem, without dgrad); depthwise 3x3. With the attribute
// `reduced`, or with bfloat16 activations, convolutions of one group with channels in multiples of 16 run in reduced
// precision. Filters and biases are float32. The C API gives neither strides nor values in shape inference, so height
// and width are known only from inputs.
#include <mutex>
#include <set>
#include <string>

#include "../host/instruction_set.h"
#include "../host/workspace.h"
#include "geometry.h"
#include "op.h"

namespace pefd {
namespace {

// Unknown sizes match anything.
bool mayBe(int64_t size, int64_t other) { return size == other || size == UNKNOWN || other == UNKNOWN; }

void requireChannels(int64_t channels) {
  const bool fit = channels == UNKNOWN || (channels > 0 && channels % CHANNELS == 0);
  require(fit, "Channels must come in multiples of 16.");
}

// Whether a 1x1 filter may have any channels, in groups: the stride is unknown here.
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

// Images with as many channels as the filter has on one of its axes, or any.
ShapeHandle imagesAt(const Inference &inference, int index, const ShapeHandle &filter, int64_t axis, bool any = false) {
  ShapeHandle images = inference.image(index);
  require(any || mayBe(inference.size(images, 3), inference.size(filter, axis)),
          "Images must be [N, H, W, C] with the filter's channels.");
  return images;
}

// Two unknown dimensions. They must be distinct: TensorFlow takes the same one twice for equal sizes, and drops all
// inferred shapes of a graph in which they are not.
ShapeHandle anyTwo(const Inference &inference) {
  return inference.joined(inference.anyDimension(), inference.anyDimension());
}

// Images of unknown height and width, as many as others.
ShapeHandle imagesLike(const Inference &inference, const ShapeHandle &others, const ShapeHandle &channels) {
  return inference.joined(inference.joined(inference.dimension(others, 0), anyTwo(inference)), channels);
}

void requireDepthwise(const Inference &inference, const ShapeHandle &filter) {
  require(
      mayBe(inference.size(filter, 0), 3) && mayBe(inference.size(filter, 1), 3) && mayBe(inference.size(filter, 3), 1),
      "The filter must be [3, 3, channels, 1].");
}

// The channels of images, which must match an axis of another input.
ShapeHandle channelsOfBoth(const Inference &inference, const ShapeHandle &images, const ShapeHandle &other,
                           int64_t axis) {
  require(mayBe(inference.size(images, 3), inference.size(other, axis)),
          "Images must be [N, H, W, C] with the filter's channels.");
  return inference.dimension(images, 3);
}

// Shape inference: inputs are images, a filter, and maybe a bias and an addend of the output's shape.
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
  inference.setOutput(
      0, inference.inputs() > 3 ? imagesAt(inference, 3, filter, 2, isAny) : imagesLike(inference, dy, channels));
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

Geometry geometryOfNode(const Attributes &attributes) {
  return geometryOf({attributes.integers("strides"), attributes.integers("dilations"),
                     attributes.integers("explicit_paddings"), attributes.text("padding")});
}

const Kernels &kernels() { return *instructionSet().kernels; }

// TensorFlow's attributes of convolutions, besides their types.
const std::vector<const char *> ATTRIBUTES = {"strides: list(int)", "padding: {'SAME', 'VALID', 'EXPLICIT'}",
                                              "explicit_paddings: list(int) = []", "data_format: {'NHWC'} = 'NHWC'",
                                              "dilations: list(int) = [1, 1, 1, 1]"};

std::vector<const char *> attributesAnd(std::initializer_list<const char *> more) {
  std::vector<const char *> attributes = ATTRIBUTES;
  attributes.insert(attributes.end(), more);
  return attributes;
}

// An input that must have a given shape.
Tensor imageOf(const Call &call, int index, const Shape &shape) {
  Tensor image = call.input(index);
  require(shapeOf(image) == shape, "Images must have the channels of the filter and the sizes of the result.");
  return image;
}

void forward(const Geometry &geometry, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0), filter = call.input(1);
  const Depthwise conv = depthwiseOf(geometry, shapeOf(x), shapeOf(filter));
  float *y = call.output(0, resultsOf(conv));
  checkOutcome(kernels().depthwiseForward(workspace.host(), conv, floats(x), floats(filter), y));
}

void inputGradient(const Geometry &geometry, const Call &call) {
  const Workspace workspace;
  const Tensor sizes = call.input(0), filter = call.input(1);
  const Depthwise conv = depthwiseOf(geometry, shapeIn(sizes), shapeOf(filter));
  const Tensor dy = imageOf(call, 2, resultsOf(conv));
  float *dx = call.output(0, imagesOf(conv));
  checkOutcome(kernels().depthwiseInputGradient(workspace.host(), conv, floats(filter), floats(dy), dx));
}

void filterGradient(const Geometry &geometry, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0), sizes = call.input(1);
  const Depthwise conv = depthwiseOf(geometry, shapeOf(x), shapeIn(sizes));
  const Tensor dy = imageOf(call, 2, resultsOf(conv));
  float *dfilter = call.output(0, filterOf(conv));
  checkOutcome(kernels().depthwiseFilterGradient(workspace.host(), conv, floats(x), floats(dy), dfilter));
}

template <void (*run)(const Geometry &, const Call &), void (*infer)(const Inference &)>
Op depthwiseOp(const char *name, std::vector<const char *> inputs) {
  return nodeOp<Geometry, geometryOfNode, run, infer>(name, attributesAnd({"T: {float}"}), std::move(inputs),
                                                      {"output: T"});
}

const Registered depthwiseOps{
    depthwiseOp<forward, depthwiseShape>("PefdDepthwiseConv2dNative", {"input: T", "filter: T"}),
    depthwiseOp<inputGradient, depthwiseInputGradientShape>("PefdDepthwiseConv2dNativeBackpropInput",
                                                            {"input_sizes: int32", "filter: T", "out_backprop: T"}),
    depthwiseOp<filterGradient, depthwiseFilterGradientShape>("PefdDepthwiseConv2dNativeBackpropFilter",
                                                              {"input: T", "filter_sizes: int32", "out_backprop: T"}),
};

// Attributes of a node.
struct Node {
  Geometry geometry;
  // Whether the convolution is computed in reduced precision.
  bool isReduced;
  // Whether activations are bfloat16.
  bool isBfloat16;
};

Node nodeOf(const Attributes &attributes) {
  const bool isReduced = attributes.isSet("reduced");
  require(!isReduced || reducedPrecision().kernels != nullptr, "This CPU has no reduced-precision convolutions.");
  return {geometryOfNode(attributes), isReduced, isBfloat16Node(attributes)};
}

// The kernels of a convolution.
template <typename Number>
const ConvolutionKernelsOf<Number> &kernelsFor(const Node &node, const Convolution &conv) {
  const bool isEven = conv.groups == 1 && conv.inputs % CHANNELS == 0 && conv.outputs % CHANNELS == 0;
  require(!node.isBfloat16 || isEven, "Images in bfloat16 must have channels in multiples of 16, in one group.");
  if constexpr (std::is_same<Number, float>::value) {
    if (node.isReduced && isEven) return *reducedPrecision().kernels;
  }
  return imageKernels<Number>();
}

std::mutex inFloat32Mutex;
std::set<std::string> inFloat32;

// Records convolutions that fell back to float32.
// @throws std::bad_alloc
void checkConvolution(Outcome outcome, const Convolution &conv) {
  checkOutcome(outcome);
  if (outcome != Outcome::DONE_IN_FLOAT32) return;
  const std::string size = std::to_string(conv.kernel);
  const std::lock_guard<std::mutex> lock(inFloat32Mutex);
  inFloat32.insert(size + "x" + size + " from " + std::to_string(conv.inputs) + " to " + std::to_string(conv.outputs) +
                   " channels");
}

// Activations of the node's type.
// @throws std::invalid_argument for another type
template <typename Number>
const Number *imagesIn(const Tensor &images) {
  constexpr TF_DataType TYPE = std::is_same<Number, float>::value ? TF_FLOAT : TF_BFLOAT16;
  require(TF_TensorType(images.get()) == TYPE,
          "Images must be of the results' type, or float32 where they have less than 16 channels.");
  return elements<Number>(images);
}

// Forward with a fused bias, addend and ReLU.
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

// dgrad with a fused addend and gradient of ReLU.
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
    checkConvolution(kernelsFor<Number>(node, conv)
                         .inputGradient(workspace.host(), conv, floats(filter), elements<Number>(dy), epilogue, dx),
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
    checkOutcome(isStem(conv) ? imageKernels<Number>().stemFilterGradient(host, conv, imagesIn<float>(x),
                                                                          elements<Number>(dy), dfilter)
                              : kernelsFor<Number>(node, conv)
                                    .filterGradient(host, conv, imagesIn<Number>(x), elements<Number>(dy), dfilter));
  }
};

// The stem's images may have another type than its output.
const char *const IMAGES = "input: Tinput", *const TYPE_OF_IMAGES = "Tinput: {float, bfloat16} = DT_FLOAT";

// An op with Conv2D's attributes, and some more.
template <typename Work, void (*infer)(const Inference &)>
Op convolutionOp(const char *name, std::vector<const char *> inputs, std::vector<const char *> more,
                 const char *output = "output: T") {
  std::vector<const char *> attributes =
      attributesAnd({NUMBERS, "use_cudnn_on_gpu: bool = true", "reduced: bool = false"});
  attributes.insert(attributes.end(), more.begin(), more.end());
  return nodeOp<Node, nodeOf, onImages<Work, Node>, infer>(name, std::move(attributes), std::move(inputs), {output});
}

template <bool hasBias, bool hasImage, bool hasRelu>
Op forwardOp(const char *name, std::vector<const char *> more) {
  std::vector<const char *> inputs{IMAGES, "filter: float"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return convolutionOp<Forward<hasBias, hasImage, hasRelu>, forwardShape>(name, std::move(inputs), {TYPE_OF_IMAGES});
}

template <bool hasImage, bool hasRelu>
Op inputGradientOp(const char *name, std::vector<const char *> more) {
  std::vector<const char *> inputs{"input_sizes: int32", "filter: float", "out_backprop: T"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return convolutionOp<InputGradient<hasImage, hasRelu>, inputGradientShape>(name, std::move(inputs), {});
}

}  // namespace

std::string convolutionsInFloat32() {
  const std::lock_guard<std::mutex> lock(inFloat32Mutex);
  std::string all;
  for (const std::string &one : inFloat32) all += (all.empty() ? "" : ", ") + one;
  return all;
}

const Registered convolutionOps{
    forwardOp<false, false, false>("PefdConv2D", {}),
    forwardOp<true, false, false>("PefdConv2DBias", {"bias: float"}),
    forwardOp<true, false, true>("PefdConv2DBiasRelu", {"bias: float"}),
    forwardOp<true, true, false>("PefdConv2DBiasAdd", {"bias: float", "image: T"}),
    forwardOp<true, true, true>("PefdConv2DBiasAddRelu", {"bias: float", "image: T"}),
    inputGradientOp<false, false>("PefdConv2DBackpropInput", {}),
    inputGradientOp<false, true>("PefdConv2DBackpropInputReluGrad", {"features: T"}),
    inputGradientOp<true, false>("PefdConv2DBackpropInputAdd", {"image: T"}),
    inputGradientOp<true, true>("PefdConv2DBackpropInputAddReluGrad", {"image: T", "features: T"}),
    convolutionOp<FilterGradient, filterGradientShape>("PefdConv2DBackpropFilter",
                                                       {IMAGES, "filter_sizes: int32", "out_backprop: T"},
                                                       {TYPE_OF_IMAGES}, "output: float"),
};

}  // namespace pefd
