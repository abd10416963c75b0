// Convolutions for TensorFlow's processor device, by the names of TensorFlow's own ops with "Pefd" in front: the same
// inputs and attributes, but only 3x3 filters, stride 1, padding SAME, NHWC and channels in multiples of 16. A Node-API
// module; being loaded registers the ops, and `instructions` says for which processors they are compiled.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "kernels.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"
#include "workers.h"

namespace pefd {
namespace {

struct Instructions {
  const char *name;
  bool supported;
  const Kernels *kernels;
};

// What PEFD_CONVOLUTIONS says when TensorFlow's own are to be taken.
const char *const THEIRS = "tensorflow";

// The best that the processor has, or what PEFD_CONVOLUTIONS names; without kernels where there is none.
const Instructions &instructions() {
  static const Instructions best = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq");
    const Instructions all[] = {{"avx512", avx512, &avx512Kernels}, {"avx2", avx2, &avx2Kernels}};
    const char *variable = std::getenv("PEFD_CONVOLUTIONS");
    const std::string asked = variable == nullptr ? "" : variable;
    bool known = asked.empty() || asked == THEIRS;
    for (const Instructions &one : all) {
      known = known || asked == one.name;
      if (one.supported && (asked.empty() || asked == one.name)) return one;
    }
    return Instructions{known ? "none" : "unknown", false, nullptr};
  }();
  return best;
}

// The inputs and outputs of one call; the first thing that goes wrong is what TensorFlow hears.
class Call {
 public:
  explicit Call(TF_OpKernelContext *context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor *tensor : tensors_) TF_DeleteTensor(tensor);
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelContext_Failure(context_, status_);
    TF_DeleteStatus(status_);
  }

  TF_Tensor *input(int index) {
    TF_Tensor *tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_);
    return kept(tensor);
  }

  float *output(std::initializer_list<int64_t> shape) {
    int64_t size = sizeof(float);
    for (int64_t length : shape) size *= length;
    TF_Tensor *tensor = kept(TF_AllocateOutput(context_, 0, TF_FLOAT, shape.begin(), static_cast<int>(shape.size()),
                                               static_cast<size_t>(size), status_));
    return tensor == nullptr ? nullptr : static_cast<float *>(TF_TensorData(tensor));
  }

  void refuse(const char *why) { TF_SetStatus(status_, TF_INVALID_ARGUMENT, why); }

 private:
  TF_Tensor *kept(TF_Tensor *tensor) {
    if (tensor != nullptr) tensors_[count_++] = tensor;
    return tensor;
  }

  TF_OpKernelContext *context_;
  TF_Status *status_;
  TF_Tensor *tensors_[6] = {};
  int count_ = 0;
};

const float *floats(const TF_Tensor *tensor) { return static_cast<const float *>(TF_TensorData(tensor)); }

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
  float *y = call.output({conv.n, conv.h, conv.w, conv.outputs});
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
  float *dx = call.output({conv.n, conv.h, conv.w, conv.inputs});
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
  float *dfilter = call.output({3, 3, conv.inputs, conv.outputs});
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

void filterGradientShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

struct Op {
  const char *name;
  const char *inputs[4];
  void (*shape)(TF_ShapeInferenceContext *, TF_Status *);
  void (*compute)(void *, TF_OpKernelContext *);
};

const Op OPS[] = {
    {"PefdConv2D", {"input: T", "filter: T"}, forwardShape, computeForward<false, false, false>},
    {"PefdConv2DBias", {"input: T", "filter: T", "bias: T"}, forwardShape, computeForward<true, false, false>},
    {"PefdConv2DBiasRelu", {"input: T", "filter: T", "bias: T"}, forwardShape, computeForward<true, false, true>},
    {"PefdConv2DBiasAdd",
     {"input: T", "filter: T", "bias: T", "image: T"},
     forwardShape,
     computeForward<true, true, false>},
    {"PefdConv2DBiasAddRelu",
     {"input: T", "filter: T", "bias: T", "image: T"},
     forwardShape,
     computeForward<true, true, true>},
    {"PefdConv2DBackpropInput",
     {"input_sizes: int32", "filter: T", "out_backprop: T"},
     inputGradientShape,
     computeInputGradient},
    {"PefdConv2DBackpropFilter",
     {"input: T", "filter_sizes: int32", "out_backprop: T"},
     filterGradientShape,
     computeFilterGradient},
};

// Conv2D's attributes, with the only values that are served.
const char *const ATTRIBUTES[] = {"T: {float}",
                                  "strides: list(int)",
                                  "use_cudnn_on_gpu: bool = true",
                                  "padding: {'SAME'}",
                                  "explicit_paddings: list(int) = []",
                                  "data_format: {'NHWC'} = 'NHWC'",
                                  "dilations: list(int) = [1, 1, 1, 1]"};

bool registerOp(const Op &op) {
  TF_Status *status = TF_NewStatus();
  TF_OpDefinitionBuilder *definition = TF_NewOpDefinitionBuilder(op.name);
  for (const char *attribute : ATTRIBUTES) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char *input : op.inputs) {
    if (input != nullptr) TF_OpDefinitionBuilderAddInput(definition, input);
  }
  TF_OpDefinitionBuilderAddOutput(definition, "output: T");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, op.shape);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder *kernel = TF_NewKernelBuilder(op.name, "CPU", nullptr, op.compute, nullptr);
    TF_RegisterKernelBuilder(op.name, kernel, status);
  }
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}

// Registers everything. @returns for which instructions; "none" where nothing was registered, "unknown" where
// PEFD_CONVOLUTIONS is no word of ours
const char *registerAll() {
  if (instructions().kernels == nullptr) return instructions().name;
  bool done = true;
  for (const Op &op : OPS) done = registerOp(op) && done;
  return done ? instructions().name : "none";
}

const char *const registered = registerAll();

}  // namespace
}  // namespace pefd

// The two functions of Node-API that are needed, without its headers. Weak: Python's TensorFlow loads this as a library
// of ops (scripts/profile-step.py), and there is no Node.js in it.
extern "C" {
struct napi_env__;
struct napi_value__;
__attribute__((weak)) int napi_create_string_utf8(napi_env__ *env, const char *text, size_t length,
                                                  napi_value__ **result);
__attribute__((weak)) int napi_set_named_property(napi_env__ *env, napi_value__ *object, const char *name,
                                                  napi_value__ *value);

__attribute__((visibility("default"))) napi_value__ *napi_register_module_v1(napi_env__ *env, napi_value__ *exports) {
  napi_value__ *text = nullptr;
  napi_create_string_utf8(env, pefd::registered, SIZE_MAX, &text);
  napi_set_named_property(env, exports, "instructions", text);
  return exports;
}
}
