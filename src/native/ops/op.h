// What TensorFlow is told of an op, and the functions that it calls.
#pragma once

#include <string>
#include <vector>

#include "attributes.h"
#include "call.h"
#include "inference.h"
#include "status.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace pefd {

struct Op {
  const char *name;
  std::vector<const char *> attributes, inputs, outputs;
  void (*shape)(TF_ShapeInferenceContext *, TF_Status *);
  // What is made once per node, given to every call, and deleted with the node.
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*remove)(void *);
};

// An op's functions, which may throw, as TensorFlow calls them.

template <typename Node, Node (*make)(const Attributes &)>
void *createNode(TF_OpKernelConstruction *construction) noexcept {
  const Status status;
  void *node = nullptr;
  withStatus(status.get(), [&] { node = new Node(make(Attributes(construction, status.get()))); });
  if (!status.isOk()) TF_OpKernelConstruction_Failure(construction, status.get());
  return node;
}

template <typename Node, void (*run)(const Node &, const Call &)>
void computeNode(void *node, TF_OpKernelContext *context) noexcept {
  const Status status;
  withStatus(status.get(), [&] { run(*static_cast<const Node *>(node), Call(context, status.get())); });
  if (!status.isOk()) TF_OpKernelContext_Failure(context, status.get());
}

template <typename Node>
void removeNode(void *node) noexcept {
  delete static_cast<Node *>(node);
}

// The node of an op that its attributes say nothing to.
struct Nothing {};

inline Nothing nothing(const Attributes & /*attributes*/) { return {}; }

template <void (*infer)(const Inference &)>
void inferShapes(TF_ShapeInferenceContext *context, TF_Status *status) noexcept {
  withStatus(status, [&] { infer(Inference(context, status)); });
}

std::vector<Op> batchNormOps();
std::vector<Op> convolutionOps();
// Those that had to be computed in float32 so far, though whole numbers were asked for (kernels/int16/spread.h), by size.
std::string convolutionsInFloats();
std::vector<Op> depthwiseOps();
std::vector<Op> elementwiseOps();
std::vector<Op> normalizeOps();
std::vector<Op> resizeOps();
std::vector<Op> swapOps();

}  // namespace pefd
