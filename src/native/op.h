// What TensorFlow is told of an op.
#pragma once

#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace pefd {

struct Op {
  const char *name;
  std::vector<const char *> attributes, inputs, outputs;
  void (*shape)(TF_ShapeInferenceContext *, TF_Status *);
  // What is made once per node, called with it, and removed with the node; may be null.
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*remove)(void *);
};

inline void unknownShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

std::vector<Op> convolutionOps();
std::vector<Op> elementwiseOps();

}  // namespace pefd
