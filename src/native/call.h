// One call of an op, as TensorFlow's C API hands it over.
#pragma once

#include <cstdint>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace pefd {

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

  // A result of that shape; a null pointer where there is no memory for it.
  float *output(int index, const std::vector<int64_t> &shape) {
    int64_t size = sizeof(float);
    for (int64_t length : shape) size *= length;
    TF_Tensor *tensor = kept(TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                               static_cast<size_t>(size), status_));
    return tensor == nullptr ? nullptr : static_cast<float *>(TF_TensorData(tensor));
  }

  void refuse(const char *why) { TF_SetStatus(status_, TF_INVALID_ARGUMENT, why); }

 private:
  TF_Tensor *kept(TF_Tensor *tensor) {
    if (tensor != nullptr) tensors_.push_back(tensor);
    return tensor;
  }

  TF_OpKernelContext *context_;
  TF_Status *status_;
  std::vector<TF_Tensor *> tensors_;
};

inline const float *floats(const TF_Tensor *tensor) { return static_cast<const float *>(TF_TensorData(tensor)); }

}  // namespace pefd
