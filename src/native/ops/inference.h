// The inference of shapes while a graph is made.
#pragma once

#include <cstdint>
#include <memory>

#include "status.h"
#include "tensorflow/c/ops.h"

namespace pefd {

struct DeleteShape {
  void operator()(TF_ShapeHandle *shape) const { TF_DeleteShapeHandle(shape); }
};
using ShapeHandle = std::unique_ptr<TF_ShapeHandle, DeleteShape>;

// A size that is not known.
constexpr int64_t UNKNOWN = -1;

// The inputs' shapes, as far as they are known, and what follows for the outputs.
class Inference {
 public:
  Inference(TF_ShapeInferenceContext *context, TF_Status *status) : context_(context), status_(status) {}

  int64_t inputs() const { return TF_ShapeInferenceContextNumInputs(context_); }

  // @throws StatusIsSet
  ShapeHandle input(int index) const {
    ShapeHandle shape(TF_NewShapeHandle());
    TF_ShapeInferenceContextGetInput(context_, index, shape.get(), status_);
    check(status_);
    return shape;
  }

  // An input that has to have four dimensions.
  // @throws StatusIsSet
  ShapeHandle image(int index) const {
    const ShapeHandle any = input(index);
    ShapeHandle shape(TF_NewShapeHandle());
    TF_ShapeInferenceContextWithRank(context_, any.get(), 4, shape.get(), status_);
    check(status_);
    return shape;
  }

  // The number of dimensions, or UNKNOWN.
  int64_t rank(const ShapeHandle &shape) const {
    const bool isKnown = TF_ShapeInferenceContextRankKnown(context_, shape.get()) != 0;
    return isKnown ? TF_ShapeInferenceContextRank(context_, shape.get()) : UNKNOWN;
  }

  // The size of one dimension, or UNKNOWN.
  int64_t size(const ShapeHandle &shape, int64_t axis) const;

  // One dimension as a shape of its own.
  // @throws StatusIsSet
  ShapeHandle dimension(const ShapeHandle &shape, int64_t axis) const;

  // A shape of one dimension that is not known.
  ShapeHandle anyDimension() const;

  // All dimensions of the one shape, then all of the other.
  // @throws StatusIsSet
  ShapeHandle joined(const ShapeHandle &first, const ShapeHandle &second) const;

  // @throws StatusIsSet
  void setOutput(int index, const ShapeHandle &shape) const;

  // The same shape for all outputs.
  void setOutputs(const ShapeHandle &shape) const;

  // @throws StatusIsSet
  void setUnknown() const;

 private:
  TF_ShapeInferenceContext *const context_;
  TF_Status *const status_;
};

}  // namespace pefd
