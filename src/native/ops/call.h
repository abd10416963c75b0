// One call of an op, as TensorFlow's C API hands it over.
#pragma once

#include <memory>
#include <vector>

#include "geometry.h"
#include "status.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"

namespace pefd {

struct DeleteTensor {
  void operator()(TF_Tensor *tensor) const { TF_DeleteTensor(tensor); }
};
using Tensor = std::unique_ptr<TF_Tensor, DeleteTensor>;

inline Shape shapeOf(const Tensor &tensor) {
  Shape shape;
  for (int axis = 0; axis < TF_NumDims(tensor.get()); axis++) shape.push_back(TF_Dim(tensor.get(), axis));
  return shape;
}

template <typename Element>
const Element *elements(const Tensor &tensor) {
  return static_cast<const Element *>(TF_TensorData(tensor.get()));
}

inline const float *floats(const Tensor &tensor) { return elements<float>(tensor); }

// The shape that a tensor of whole numbers holds.
inline Shape shapeIn(const Tensor &sizes) {
  const int32_t *first = elements<int32_t>(sizes);
  return Shape(first, first + TF_TensorElementCount(sizes.get()));
}

// The numbers of an input, which TensorFlow goes on holding until the op ends; a result may take their place.
template <typename Number = float>
const Number *release(Tensor tensor) {
  return elements<Number>(tensor);
}

class Call {
 public:
  Call(TF_OpKernelContext *context, TF_Status *status) : context_(context), status_(status) {}

  int inputs() const { return TF_NumInputs(context_); }

  // @throws StatusIsSet
  Tensor input(int index) const {
    TF_Tensor *tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_);
    check(status_);
    return Tensor(tensor);
  }

  // Memory for a result, that of one of some released inputs where nobody else needs it any more.
  // @throws StatusIsSet where there is none
  template <typename Element = float>
  Element *output(int index, const Shape &shape, const std::vector<int> &inputs = {}) const {
    const Tensor tensor(TF_ForwardInputOrAllocateOutput(context_, inputs.data(), static_cast<int>(inputs.size()), index,
                                                        shape.data(), static_cast<int>(shape.size()), nullptr,
                                                        status_));
    check(status_);
    return static_cast<Element *>(TF_TensorData(tensor.get()));
  }

 private:
  TF_OpKernelContext *const context_;
  TF_Status *const status_;
};

// @throws std::bad_alloc where a kernel's memory was short
inline void checkOutcome(Outcome outcome) {
  if (outcome == Outcome::OUT_OF_MEMORY) throw std::bad_alloc();
}

}  // namespace pefd
