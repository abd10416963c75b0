// Depthwise convolutions by the names of TensorFlow's own ops with "Pefd" in front: the same inputs and attributes, but
// only filters of 3x3, one for each channel, strides 1 and 2, PyTorch's padding and NHWC.
#include "shapes.h"
#include "node.h"

namespace pefd {
namespace {

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

}  // namespace

std::vector<Op> depthwiseOps() {
  std::vector<const char *> attributes = ATTRIBUTES;
  attributes.push_back("T: {float}");
  return {
      nodeOp<Geometry, geometryOfNode, forward>("PefdDepthwiseConv2dNative", attributes, {"input: T", "filter: T"},
                                                inferShapes<depthwiseShape>),
      nodeOp<Geometry, geometryOfNode, inputGradient>("PefdDepthwiseConv2dNativeBackpropInput", attributes,
                            {"input_sizes: int32", "filter: T", "out_backprop: T"},
                            inferShapes<depthwiseInputGradientShape>),
      nodeOp<Geometry, geometryOfNode, filterGradient>("PefdDepthwiseConv2dNativeBackpropFilter", attributes,
                             {"input: T", "filter_sizes: int32", "out_backprop: T"},
                             inferShapes<depthwiseFilterGradientShape>),
  };
}

}  // namespace pefd
