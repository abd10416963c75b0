// Convolutions by the names of TensorFlow's own ops with "Pefd" in front: the same inputs and attributes, but only 3x3
// filters, stride 1, padding SAME, NHWC and channels in multiples of 16.
#include "call.h"
#include "instructions.h"
#include "op.h"
#include "workers.h"

namespace pefd {
namespace {

// The sizes of a convolution, from images at one of its ends and one dimension of its filter; refused where the
// kernels do not serve it.
bool described(Call &call, TF_Tensor *images, long inputs, long outputs, Convolution &conv) {
  if (inputs % CHANNELS != 0 || outputs % CHANNELS != 0) {
    call.refuse("Channels must come in multiples of 16.");
    return false;
  }
  conv = {TF_Dim(images, 0), TF_Dim(images, 1), TF_Dim(images, 2), inputs, outputs};
  return true;
}

bool isFilter(Call &call, TF_Tensor *filter) {
  const bool fits = TF_NumDims(filter) == 4 && TF_Dim(filter, 0) == 3 && TF_Dim(filter, 1) == 3;
  if (!fits) call.refuse("The filter must be [3, 3, inputs, outputs].");
  return fits;
}

bool areImages(Call &call, TF_Tensor *images, int64_t channels) {
  const bool fit = TF_NumDims(images) == 4 && TF_Dim(images, 3) == channels;
  if (!fit) call.refuse("Images must be [N, H, W, C] with the filter's channels.");
  return fit;
}

// The forward pass and what follows it in one op: a bias, an image that is added, ReLU.
template <bool bias, bool image, bool relu>
void computeForward(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.input(0), *filter = call.input(1);
  Convolution conv;
  if (!isFilter(call, filter) || !areImages(call, x, TF_Dim(filter, 2)) ||
      !described(call, x, TF_Dim(filter, 2), TF_Dim(filter, 3), conv)) {
    return;
  }
  Finish finish{nullptr, nullptr, relu};
  if (bias) {
    TF_Tensor *numbers = call.input(2);
    if (TF_TensorElementCount(numbers) != conv.outputs) return call.refuse("A bias is one number per output.");
    finish.bias = floats(numbers);
  }
  if (image) {
    TF_Tensor *added = call.input(3);
    if (!areImages(call, added, conv.outputs)) return;
    if (TF_TensorElementCount(added) != conv.n * conv.h * conv.w * conv.outputs) {
      return call.refuse("What is added must have the shape of the result.");
    }
    finish.image = floats(added);
  }
  float *y = call.output(0, {conv.n, conv.h, conv.w, conv.outputs});
  if (y != nullptr) instructions().kernels->forward(host(), conv, floats(x), floats(filter), finish, y);
}

void computeInputGradient(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *filter = call.input(1), *dy = call.input(2);
  Convolution conv;
  if (!isFilter(call, filter) || !areImages(call, dy, TF_Dim(filter, 3)) ||
      !described(call, dy, TF_Dim(filter, 2), TF_Dim(filter, 3), conv)) {
    return;
  }
  float *dx = call.output(0, {conv.n, conv.h, conv.w, conv.inputs});
  if (dx != nullptr) instructions().kernels->inputGradient(host(), conv, floats(filter), floats(dy), dx);
}

void computeFilterGradient(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.input(0), *dy = call.input(2);
  if (TF_NumDims(x) != 4 || TF_NumDims(dy) != 4 || TF_Dim(x, 0) != TF_Dim(dy, 0) || TF_Dim(x, 1) != TF_Dim(dy, 1) ||
      TF_Dim(x, 2) != TF_Dim(dy, 2)) {
    return call.refuse("Images and gradients must be [N, H, W, C] of the same N, H and W.");
  }
  Convolution conv;
  if (!described(call, x, TF_Dim(x, 3), TF_Dim(dy, 3), conv)) return;
  float *dfilter = call.output(0, {3, 3, conv.inputs, conv.outputs});
  if (dfilter != nullptr) instructions().kernels->filterGradient(host(), conv, floats(x), floats(dy), dfilter);
}

// Axes [from, to) of an input, as a shape.
struct Axes {
  int input, from, to;
};

void joinShapes(TF_ShapeInferenceContext *context, TF_Status *status, Axes left, Axes right) {
  TF_ShapeHandle *whole = TF_NewShapeHandle(), *a = TF_NewShapeHandle(), *b = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, left.input, whole, status);
  TF_ShapeInferenceContextSubshape(context, whole, left.from, left.to, a, status);
  TF_ShapeInferenceContextGetInput(context, right.input, whole, status);
  TF_ShapeInferenceContextSubshape(context, whole, right.from, right.to, b, status);
  TF_ShapeInferenceContextConcatenateShapes(context, a, b, a, status);
  TF_ShapeInferenceContextSetOutput(context, 0, a, status);
  TF_DeleteShapeHandle(whole);
  TF_DeleteShapeHandle(a);
  TF_DeleteShapeHandle(b);
}

void forwardShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  joinShapes(context, status, {0, 0, 3}, {1, 3, 4});
}

void inputGradientShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  joinShapes(context, status, {2, 0, 3}, {1, 2, 3});
}

// Conv2D's attributes, with the only values that are served.
Op convolutionOp(const char *name, std::vector<const char *> inputs,
                 void (*shape)(TF_ShapeInferenceContext *, TF_Status *), void (*compute)(void *, TF_OpKernelContext *)) {
  return {name,
          {"T: {float}", "strides: list(int)", "use_cudnn_on_gpu: bool = true", "padding: {'SAME'}",
           "explicit_paddings: list(int) = []", "data_format: {'NHWC'} = 'NHWC'",
           "dilations: list(int) = [1, 1, 1, 1]"},
          inputs,
          {"output: T"},
          shape,
          nullptr,
          compute,
          nullptr};
}

}  // namespace

std::vector<Op> convolutionOps() {
  return {
      convolutionOp("PefdConv2D", {"input: T", "filter: T"}, forwardShape, computeForward<false, false, false>),
      convolutionOp("PefdConv2DBias", {"input: T", "filter: T", "bias: T"}, forwardShape,
                    computeForward<true, false, false>),
      convolutionOp("PefdConv2DBiasRelu", {"input: T", "filter: T", "bias: T"}, forwardShape,
                    computeForward<true, false, true>),
      convolutionOp("PefdConv2DBiasAdd", {"input: T", "filter: T", "bias: T", "image: T"}, forwardShape,
                    computeForward<true, true, false>),
      convolutionOp("PefdConv2DBiasAddRelu", {"input: T", "filter: T", "bias: T", "image: T"}, forwardShape,
                    computeForward<true, true, true>),
      convolutionOp("PefdConv2DBackpropInput", {"input_sizes: int32", "filter: T", "out_backprop: T"},
                    inputGradientShape, computeInputGradient),
      convolutionOp("PefdConv2DBackpropFilter", {"input: T", "filter_sizes: int32", "out_backprop: T"}, unknownShape,
                    computeFilterGradient),
  };
}

}  // namespace pefd
