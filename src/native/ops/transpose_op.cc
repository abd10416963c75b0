// PefdTranspose: TensorFlow's Transpose, but only of the last two axes.
#include "../host/instruction_set.h"
#include "../host/workspace.h"
#include "op.h"

namespace pefd {
namespace {

void transpose(const NoAttributes &, const Call &call) {
  const Workspace workspace;
  const Tensor x = call.input(0);
  const Shape shape = shapeOf(x);
  const Matrices matrices = lastAxesOf(shape, shapeIn(call.input(1)));
  float *y = call.output(0, withLastAxesSwapped(shape));
  instructionSet().kernels->transposeLastAxes(workspace.host(), matrices, floats(x), y);
}

const Registered transposeOps{nodeOp<NoAttributes, noAttributes, transpose, unknownShape>(
    "PefdTranspose", {"T: {float}", "Tperm: {int32} = DT_INT32"}, {"x: T", "perm: Tperm"}, {"y: T"})};

}  // namespace
}  // namespace pefd
