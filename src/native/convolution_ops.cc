// Convolutions by the names of TensorFlow's own ops with "Pefd" in front: the same inputs and attributes, but only
// filters of 3x3 and 1x1, strides 1 and 2, PyTorch's padding, NHWC and channels in multiples of 16.
#include "call.h"
#include "common.h"
#include "instructions.h"
#include "op.h"
#include "workers.h"

namespace pefd {
namespace {

// The stride that a node asks for.
void *createStride(TF_OpKernelConstruction *construction) {
  TF_Status *status = TF_NewStatus();
  int64_t strides[4] = {};
  TF_OpKernelConstruction_GetAttrInt64List(construction, "strides", strides, 4, status);
  if (TF_GetCode(status) == TF_OK && (strides[1] != strides[2] || strides[1] < 1 || strides[1] > 2)) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "Strides must be 1 or 2, the same for rows and columns.");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return new long(strides[1]);
}

void removeStride(void *stride) { delete static_cast<long *>(stride); }

bool areImages(Call &call, TF_Tensor *images, int64_t n, int64_t height, int64_t width, int64_t channels) {
  const bool fit = TF_NumDims(images) == 4 && TF_Dim(images, 0) == n && TF_Dim(images, 1) == height &&
                   TF_Dim(images, 2) == width && TF_Dim(images, 3) == channels;
  if (!fit) call.refuse("Images must be [N, H, W, C], with the channels of the filter and the sizes of the result.");
  return fit;
}

// What a convolution is, from the shapes [N, H, W, I] of its images and [kernel, kernel, I, O] of its filter; refused
// where the kernels do not serve it.
bool describe(Call &call, const int64_t (&images)[4], const int64_t (&filter)[4], void *stride, Convolution &conv) {
  conv = {images[0], images[1], images[2], filter[2], filter[3], filter[0], *static_cast<long *>(stride)};
  const char *trouble = nullptr;
  if (filter[0] != filter[1] || (filter[0] != 3 && filter[0] != 1)) {
    trouble = "The filter must be [3, 3, inputs, outputs] or [1, 1, inputs, outputs].";
  } else if (images[3] != filter[2]) {
    trouble = "Images must be [N, H, W, C] with the filter's channels.";
  } else if (filter[2] % CHANNELS != 0 || filter[3] % CHANNELS != 0) {
    trouble = "Channels must come in multiples of 16.";
  }
  if (trouble != nullptr) call.refuse(trouble);
  return trouble == nullptr;
}

// The four sizes of a tensor.
bool shapeOf(Call &call, TF_Tensor *tensor, int64_t (&shape)[4]) {
  if (TF_NumDims(tensor) != 4) {
    call.refuse("Images and filters have four dimensions.");
    return false;
  }
  for (int axis = 0; axis < 4; axis++) shape[axis] = TF_Dim(tensor, axis);
  return true;
}

// The four sizes that a tensor holds.
bool shapeIn(Call &call, TF_Tensor *sizes, int64_t (&shape)[4]) {
  if (TF_TensorElementCount(sizes) != 4) {
    call.refuse("Images and filters have four sizes.");
    return false;
  }
  for (int axis = 0; axis < 4; axis++) shape[axis] = static_cast<const int32_t *>(TF_TensorData(sizes))[axis];
  return true;
}

// The forward pass and what follows it in one op: a bias, an image that is added, ReLU.
template <bool bias, bool image, bool relu>
void computeForward(void *stride, TF_OpKernelContext *context) {
  Call call(context);
  const Workspace workspace;
  TF_Tensor *x = call.input(0), *filter = call.input(1);
  int64_t images[4], taps[4];
  Convolution conv;
  if (!shapeOf(call, x, images) || !shapeOf(call, filter, taps) || !describe(call, images, taps, stride, conv)) return;
  const long height = parts(conv.h, conv.stride), width = parts(conv.w, conv.stride);
  Finish finish;
  finish.relu = relu;
  if (bias) {
    TF_Tensor *numbers = call.input(2);
    if (TF_TensorElementCount(numbers) != conv.outputs) return call.refuse("A bias is one number per output.");
    finish.bias = floats(numbers);
  }
  if (image) {
    TF_Tensor *added = call.input(3);
    if (!areImages(call, added, conv.n, height, width, conv.outputs)) return;
    finish.image = call.released(added);
  }
  float *y = call.output(0, {conv.n, height, width, conv.outputs}, image ? std::vector<int>{3} : std::vector<int>{});
  if (y != nullptr) instructions().kernels->forward(host(), conv, floats(x), floats(filter), finish, y);
}

// The gradient of the images and what follows it in one op: an image that is added, the gradient of ReLU.
template <bool image, bool relu>
void computeInputGradient(void *stride, TF_OpKernelContext *context) {
  Call call(context);
  const Workspace workspace;
  TF_Tensor *filter = call.input(1), *dy = call.input(2);
  int64_t images[4], taps[4];
  Convolution conv;
  if (!shapeIn(call, call.input(0), images) || !shapeOf(call, filter, taps) ||
      !describe(call, images, taps, stride, conv) ||
      !areImages(call, dy, conv.n, parts(conv.h, conv.stride), parts(conv.w, conv.stride), conv.outputs)) {
    return;
  }
  Finish finish;
  if (image) {
    TF_Tensor *added = call.input(3);
    if (!areImages(call, added, conv.n, conv.h, conv.w, conv.inputs)) return;
    finish.image = call.released(added);
  }
  if (relu) {
    TF_Tensor *features = call.input(image ? 4 : 3);
    if (!areImages(call, features, conv.n, conv.h, conv.w, conv.inputs)) return;
    finish.features = floats(features);
  }
  float *dx =
      call.output(0, {conv.n, conv.h, conv.w, conv.inputs}, image ? std::vector<int>{3} : std::vector<int>{});
  if (dx != nullptr) instructions().kernels->inputGradient(host(), conv, floats(filter), floats(dy), finish, dx);
}

void computeFilterGradient(void *stride, TF_OpKernelContext *context) {
  Call call(context);
  const Workspace workspace;
  TF_Tensor *x = call.input(0), *dy = call.input(2);
  int64_t images[4], taps[4];
  Convolution conv;
  if (!shapeOf(call, x, images) || !shapeIn(call, call.input(1), taps) || !describe(call, images, taps, stride, conv) ||
      !areImages(call, dy, conv.n, parts(conv.h, conv.stride), parts(conv.w, conv.stride), conv.outputs)) {
    return;
  }
  float *dfilter = call.output(0, {conv.kernel, conv.kernel, conv.inputs, conv.outputs});
  if (dfilter != nullptr) instructions().kernels->filterGradient(host(), conv, floats(x), floats(dy), dfilter);
}

// Conv2D's attributes. Padding is PyTorch's, as many pixels on all sides as keep the size at stride 1, whatever the
// attributes about it say.
Op convolutionOp(const char *name, std::vector<const char *> inputs, void (*compute)(void *, TF_OpKernelContext *)) {
  return {name,
          {"T: {float}", "strides: list(int)", "use_cudnn_on_gpu: bool = true",
           "padding: {'SAME', 'VALID', 'EXPLICIT'}", "explicit_paddings: list(int) = []",
           "data_format: {'NHWC'} = 'NHWC'", "dilations: list(int) = [1, 1, 1, 1]"},
          inputs,
          {"output: T"},
          unknownShape,
          createStride,
          compute,
          removeStride};
}

}  // namespace

std::vector<Op> convolutionOps() {
  return {
      convolutionOp("PefdConv2D", {"input: T", "filter: T"}, computeForward<false, false, false>),
      convolutionOp("PefdConv2DBias", {"input: T", "filter: T", "bias: T"}, computeForward<true, false, false>),
      convolutionOp("PefdConv2DBiasRelu", {"input: T", "filter: T", "bias: T"}, computeForward<true, false, true>),
      convolutionOp("PefdConv2DBiasAdd", {"input: T", "filter: T", "bias: T", "image: T"},
                    computeForward<true, true, false>),
      convolutionOp("PefdConv2DBiasAddRelu", {"input: T", "filter: T", "bias: T", "image: T"},
                    computeForward<true, true, true>),
      convolutionOp("PefdConv2DBackpropInput", {"input_sizes: int32", "filter: T", "out_backprop: T"},
                    computeInputGradient<false, false>),
      convolutionOp("PefdConv2DBackpropInputReluGrad",
                    {"input_sizes: int32", "filter: T", "out_backprop: T", "features: T"},
                    computeInputGradient<false, true>),
      convolutionOp("PefdConv2DBackpropInputAdd", {"input_sizes: int32", "filter: T", "out_backprop: T", "image: T"},
                    computeInputGradient<true, false>),
      convolutionOp("PefdConv2DBackpropInputAddReluGrad",
                    {"input_sizes: int32", "filter: T", "out_backprop: T", "image: T", "features: T"},
                    computeInputGradient<true, true>),
      convolutionOp("PefdConv2DBackpropFilter", {"input: T", "filter_sizes: int32", "out_backprop: T"},
                    computeFilterGradient),
  };
}

}  // namespace pefd
