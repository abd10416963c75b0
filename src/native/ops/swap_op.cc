// Transpose for the exchange of the two last axes: the same inputs and attributes, but nothing else is moved.
#include "../host/instruction_set.h"
#include "../host/workspace.h"
#include "op.h"

namespace pefd {
namespace {

void transpose(const Nothing &, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0);
  const Shape shape = shapeOf(x);
  const Matrices matrices = lastAxesOf(shape, shapeIn(call.input(1)));
  float *y = call.output(0, swapped(shape));
  instructionSet().kernels->swapLastAxes(workspace.host(), matrices, floats(x), y);
}

void transposeShape(const Inference &inference) { inference.setUnknown(); }

}  // namespace

std::vector<Op> swapOps() {
  return {{"PefdTranspose",
           {"T: {float}", "Tperm: {int32} = DT_INT32"},
           {"x: T", "perm: Tperm"},
           {"y: T"},
           inferShapes<transposeShape>,
           createNode<Nothing, nothing>,
           computeNode<Nothing, transpose>,
           removeNode<Nothing>}};
}

}  // namespace pefd
