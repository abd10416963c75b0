#include "inference.h"

namespace pefd {

int64_t Inference::size(const ShapeHandle &shape, int64_t axis) const {
  const std::unique_ptr<TF_DimensionHandle, void (*)(TF_DimensionHandle *)> dimension(TF_NewDimensionHandle(),
                                                                                      TF_DeleteDimensionHandle);
  TF_ShapeInferenceContextDim(context_, shape.get(), axis, dimension.get());
  return TF_DimensionHandleValueKnown(dimension.get()) ? TF_DimensionHandleValue(dimension.get()) : UNKNOWN;
}

ShapeHandle Inference::dimension(const ShapeHandle &shape, int64_t axis) const {
  ShapeHandle part(TF_NewShapeHandle());
  TF_ShapeInferenceContextSubshape(context_, shape.get(), axis, axis + 1, part.get(), status_);
  check(status_);
  return part;
}

ShapeHandle Inference::anyDimension() const {
  // The C API has no word for it; within, a size is signed and -1 is "not known".
  return ShapeHandle(TF_ShapeInferenceContextVectorFromSize(context_, static_cast<size_t>(UNKNOWN)));
}

ShapeHandle Inference::joined(const ShapeHandle &first, const ShapeHandle &second) const {
  ShapeHandle whole(TF_NewShapeHandle());
  TF_ShapeInferenceContextConcatenateShapes(context_, first.get(), second.get(), whole.get(), status_);
  check(status_);
  return whole;
}

void Inference::setOutput(int index, const ShapeHandle &shape) const {
  TF_ShapeInferenceContextSetOutput(context_, index, shape.get(), status_);
  check(status_);
}

void Inference::setOutputs(const ShapeHandle &shape) const {
  // The C API does not tell how many there are, but it fails at the first that is none.
  for (int i = 0; TF_GetCode(status_) == TF_OK; i++) {
    TF_ShapeInferenceContextSetOutput(context_, i, shape.get(), status_);
  }
  TF_SetStatus(status_, TF_OK, "");
}

void Inference::setUnknown() const {
  TF_ShapeInferenceContextSetUnknownShape(context_, status_);
  check(status_);
}

}  // namespace pefd
