// One call of an op, as TensorFlow's C API hands it over.
#pragma once

#include <algorithm>
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

  // The numbers of an input, which TensorFlow goes on holding; a result may take their place.
  const float *released(TF_Tensor *tensor) {
    const float *data = static_cast<const float *>(TF_TensorData(tensor));
    tensors_.erase(std::find(tensors_.begin(), tensors_.end(), tensor));
    TF_DeleteTensor(tensor);
    return data;
  }

  // A result of that shape, in the memory of one of some released inputs where nobody else needs that any more; a null
  // pointer where there is no memory for it.
  float *output(int index, const std::vector<int64_t> &shape, const std::vector<int> &inputs = {}) {
    const int dimensions = static_cast<int>(shape.size());
    TF_Tensor *tensor = kept(TF_ForwardInputOrAllocateOutput(context_, inputs.data(), static_cast<int>(inputs.size()),
                                                             index, shape.data(), dimensions, nullptr, status_));
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
