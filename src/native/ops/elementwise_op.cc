// PefdElementwise: fused elementwise ops. The attribute `program` holds an opcode and two registers per instruction,
// `registers` the register of each result. Operands have one shape, or are scalars.
#include <memory>

#include "../host/workspace.h"
#include "geometry.h"
#include "op.h"

namespace pefd {
namespace {

// Attributes of a node.
struct Node {
  Program program;
  // Whether operands and results are bfloat16.
  bool isBfloat16;
};

Node nodeOf(const Attributes &attributes) {
  return {programOf(attributes.integers("program"), attributes.integers("registers"), attributes.integer("N"),
                    attributes.integer("M")),
          isBfloat16Node(attributes)};
}

struct Execute {
  template <typename Number>
  static void run(const Node &node, const Call &call) {
    const Program &program = node.program;
    const Workspace workspace;
    const int inputs = call.inputs();
    std::vector<Tensor> operands;
    std::vector<Shape> shapes;
    for (int i = 0; i < inputs; i++) {
      operands.push_back(call.input(i));
      shapes.push_back(shapeOf(operands.back()));
    }
    const Shape shape = commonShape(shapes);
    std::vector<const Number *> input;
    const std::unique_ptr<bool[]> isScalar(new bool[static_cast<size_t>(inputs)]);
    std::vector<int> ofThatShape;
    for (int i = 0; i < inputs; i++) {
      isScalar[i] = shapes[i].empty();
      if (!isScalar[i]) ofThatShape.push_back(i);
      input.push_back(release<Number>(std::move(operands[i])));
    }
    // Results may alias operands: all instructions read an element before it is overwritten.
    std::vector<Number *> output;
    const int outputs = static_cast<int>(program.results.size());
    for (int i = 0; i < outputs; i++) output.push_back(call.output<Number>(i, shape, ofThatShape));
    long count = 1;
    for (const int64_t size : shape) count *= size;
    checkOutcome(imageKernels<Number>().elementwise(
        workspace.host(), {count, inputs, static_cast<long>(program.instructions.size()), outputs, input.data(),
                           isScalar.get(), program.instructions.data(), program.results.data(), output.data()}));
  }
};

// Shape inference: the shape of the operands that are not scalars, if known.
void elementwiseShape(const Inference &inference) {
  ShapeHandle common = inference.input(0);
  for (int i = 0; i < inference.inputs(); i++) {
    ShapeHandle operand = inference.input(i);
    const int64_t rank = inference.rank(operand);
    if (rank == UNKNOWN) return inference.setUnknown();
    if (rank > 0) common = std::move(operand);
  }
  inference.setOutputs(common);
}

const Registered elementwiseOps{nodeOp<Node, nodeOf, onImages<Execute, Node>, elementwiseShape>(
    "PefdElementwise", {NUMBERS, "N: int >= 1", "M: int >= 1", "program: list(int)", "registers: list(int)"},
    {"operands: N * T"}, {"results: M * T"})};

}  // namespace
}  // namespace pefd
