// Op registration through TensorFlow's C API: statuses, attributes, inputs and outputs, shape inference. Exceptions
// become statuses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../host/instruction_set.h"
#include "geometry.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace pefd {

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status &) = delete;

  TF_Status *get() const { return status_; }
  bool isOk() const { return TF_GetCode(status_) == TF_OK; }

 private:
  TF_Status *const status_;
};

// Thrown when a status already holds an error.
struct StatusIsSet {};

// @throws StatusIsSet if TensorFlow's last call has failed
inline void check(const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) throw StatusIsSet();
}

// Runs code that may throw, and turns exceptions into a status.
template <typename Run>
void withStatus(TF_Status *status, Run run) noexcept {
  try {
    run();
  } catch (const StatusIsSet &) {
  } catch (const std::invalid_argument &refusal) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, refusal.what());
  } catch (const std::bad_alloc &) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "Out of memory for an op's scratch memory.");
  } catch (const std::exception &error) {
    TF_SetStatus(status, TF_INTERNAL, error.what());
  }
}

// Attributes of a node; missing ones throw StatusIsSet.
class Attributes {
 public:
  Attributes(TF_OpKernelConstruction *construction, TF_Status *status) : construction_(construction), status_(status) {}

  int64_t integer(const char *name) const { return get<int64_t>(TF_OpKernelConstruction_GetAttrInt64, name); }
  float number(const char *name) const { return get<float>(TF_OpKernelConstruction_GetAttrFloat, name); }
  TF_DataType type(const char *name) const { return get<TF_DataType>(TF_OpKernelConstruction_GetAttrType, name); }
  bool isSet(const char *name) const { return get<unsigned char>(TF_OpKernelConstruction_GetAttrBool, name) != 0; }

  std::vector<int64_t> integers(const char *name) const {
    std::vector<int64_t> values(static_cast<size_t>(std::max(0, sizes(name).list)));
    const int count = static_cast<int>(values.size());
    TF_OpKernelConstruction_GetAttrInt64List(construction_, name, values.data(), count, status_);
    check(status_);
    return values;
  }

  std::string text(const char *name) const {
    std::string value(static_cast<size_t>(std::max(0, sizes(name).total)), ' ');
    TF_OpKernelConstruction_GetAttrString(construction_, name, value.data(), value.size(), status_);
    check(status_);
    return value;
  }

 private:
  template <typename Value>
  Value get(void (*getter)(TF_OpKernelConstruction *, const char *, Value *, TF_Status *), const char *name) const {
    Value value = {};
    getter(construction_, name, &value, status_);
    check(status_);
    return value;
  }

  struct Sizes {
    int32_t list, total;
  };

  Sizes sizes(const char *name) const {
    Sizes sizes = {};
    TF_OpKernelConstruction_GetAttrSize(construction_, name, &sizes.list, &sizes.total, status_);
    check(status_);
    return sizes;
  }

  TF_OpKernelConstruction *const construction_;
  TF_Status *const status_;
};

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

// The shape that an int32 tensor holds.
inline Shape shapeIn(const Tensor &sizes) {
  const int32_t *first = elements<int32_t>(sizes);
  return Shape(first, first + TF_TensorElementCount(sizes.get()));
}

// The elements of an input, which TensorFlow keeps until the op ends; an output may alias them.
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

  // Allocates an output, or reuses the memory of one of some released inputs.
  // @throws StatusIsSet without memory
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

// @throws std::bad_alloc
inline void checkOutcome(Outcome outcome) {
  if (outcome == Outcome::OUT_OF_MEMORY) throw std::bad_alloc();
}

struct DeleteShape {
  void operator()(TF_ShapeHandle *shape) const { TF_DeleteShapeHandle(shape); }
};
using ShapeHandle = std::unique_ptr<TF_ShapeHandle, DeleteShape>;

// An unknown size.
constexpr int64_t UNKNOWN = -1;

// Shape inference.
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

  // An input with four dimensions.
  // @throws StatusIsSet
  ShapeHandle image(int index) const {
    const ShapeHandle any = input(index);
    ShapeHandle shape(TF_NewShapeHandle());
    TF_ShapeInferenceContextWithRank(context_, any.get(), 4, shape.get(), status_);
    check(status_);
    return shape;
  }

  // The rank, or UNKNOWN.
  int64_t rank(const ShapeHandle &shape) const {
    const bool isKnown = TF_ShapeInferenceContextRankKnown(context_, shape.get()) != 0;
    return isKnown ? TF_ShapeInferenceContextRank(context_, shape.get()) : UNKNOWN;
  }

  // The size of an axis, or UNKNOWN.
  int64_t size(const ShapeHandle &shape, int64_t axis) const {
    const std::unique_ptr<TF_DimensionHandle, void (*)(TF_DimensionHandle *)> dimension(TF_NewDimensionHandle(),
                                                                                        TF_DeleteDimensionHandle);
    TF_ShapeInferenceContextDim(context_, shape.get(), axis, dimension.get());
    return TF_DimensionHandleValueKnown(dimension.get()) ? TF_DimensionHandleValue(dimension.get()) : UNKNOWN;
  }

  // One dimension as a shape.
  // @throws StatusIsSet
  ShapeHandle dimension(const ShapeHandle &shape, int64_t axis) const {
    ShapeHandle part(TF_NewShapeHandle());
    TF_ShapeInferenceContextSubshape(context_, shape.get(), axis, axis + 1, part.get(), status_);
    check(status_);
    return part;
  }

  // A shape of one unknown dimension.
  ShapeHandle anyDimension() const {
    // The C API lacks a function for it; internally, a size is signed and -1 is unknown.
    return ShapeHandle(TF_ShapeInferenceContextVectorFromSize(context_, static_cast<size_t>(UNKNOWN)));
  }

  // Concatenates two shapes.
  // @throws StatusIsSet
  ShapeHandle joined(const ShapeHandle &first, const ShapeHandle &second) const {
    ShapeHandle whole(TF_NewShapeHandle());
    TF_ShapeInferenceContextConcatenateShapes(context_, first.get(), second.get(), whole.get(), status_);
    check(status_);
    return whole;
  }

  // @throws StatusIsSet
  void setOutput(int index, const ShapeHandle &shape) const {
    TF_ShapeInferenceContextSetOutput(context_, index, shape.get(), status_);
    check(status_);
  }

  void setOutputs(const ShapeHandle &shape) const {
    // The C API does not give their number, but fails at the first that does not exist.
    for (int i = 0; TF_GetCode(status_) == TF_OK; i++) {
      TF_ShapeInferenceContextSetOutput(context_, i, shape.get(), status_);
    }
    TF_SetStatus(status_, TF_OK, "");
  }

  // @throws StatusIsSet
  void setUnknown() const {
    TF_ShapeInferenceContextSetUnknownShape(context_, status_);
    check(status_);
  }

 private:
  TF_ShapeInferenceContext *const context_;
  TF_Status *const status_;
};

struct Op {
  const char *name;
  std::vector<const char *> attributes, inputs, outputs;
  void (*shape)(TF_ShapeInferenceContext *, TF_Status *);
  // Created once per node, passed to every call, and deleted with the node.
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*remove)(void *);
};

// Callbacks for TensorFlow, from functions that may throw.

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

struct NoAttributes {};

inline NoAttributes noAttributes(const Attributes & /*attributes*/) { return {}; }

template <void (*infer)(const Inference &)>
void inferShapes(TF_ShapeInferenceContext *context, TF_Status *status) noexcept {
  withStatus(status, [&] { infer(Inference(context, status)); });
}

inline void unknownShape(const Inference &inference) { inference.setUnknown(); }

// An op of nodes that `make` makes of their attributes and `run` computes.
template <typename Node, Node (*make)(const Attributes &), void (*run)(const Node &, const Call &),
          void (*infer)(const Inference &)>
Op nodeOp(const char *name, std::vector<const char *> attributes, std::vector<const char *> inputs,
          std::vector<const char *> outputs) {
  return {name,
          std::move(attributes),
          std::move(inputs),
          std::move(outputs),
          inferShapes<infer>,
          createNode<Node, make>,
          computeNode<Node, run>,
          removeNode<Node>};
}

// Registers ops with TensorFlow's CPU device when the module is loaded; a static object in the file of the ops. Without
// kernels for this CPU none is registered.
struct Registered {
  Registered(std::initializer_list<Op> ops);
};

// Sizes of the convolutions that have fallen back to float32 (kernels/int16/float32_fallback.h).
std::string convolutionsInFloat32();

inline const char *const NUMBERS = "T: {float, bfloat16}";

// Whether a node's activations are bfloat16.
// @throws std::invalid_argument if this CPU has no kernels for that
inline bool isBfloat16Node(const Attributes &attributes) {
  const bool isBfloat16Node = attributes.type("T") == TF_BFLOAT16;
  require(!isBfloat16Node || reducedPrecision().bfloat16 != nullptr,
          "This CPU has no kernels for bfloat16 activations.");
  return isBfloat16Node;
}

// The kernels for an activation type.
template <typename Number>
const ImageKernels<Number> &imageKernels() {
  if constexpr (std::is_same<Number, float>::value) {
    return *instructionSet().kernels;
  } else {
    return *reducedPrecision().bfloat16;
  }
}

// Runs the work of a node for its activation type.
template <typename Work, typename Node>
void onImages(const Node &node, const Call &call) {
  node.isBfloat16 ? Work::template run<Bfloat16>(node, call) : Work::template run<float>(node, call);
}

}  // namespace pefd
