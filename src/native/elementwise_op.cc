// Several elementwise operations as one op. Its attribute `program` holds an Instruction after the other as code, a, b;
// `registers` names the register of each result. Operands have one shape, or are scalars.
#include <algorithm>
#include <memory>

#include "call.h"
#include "instructions.h"
#include "op.h"
#include "workers.h"

namespace pefd {
namespace {

struct Program {
  std::vector<Instruction> instructions;
  std::vector<long> results;
};

std::vector<int64_t> integers(TF_OpKernelConstruction *construction, const char *attribute, TF_Status *status) {
  int32_t count = 0, bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction, attribute, &count, &bytes, status);
  std::vector<int64_t> values(static_cast<size_t>(std::max(count, 0)));
  if (count > 0) TF_OpKernelConstruction_GetAttrInt64List(construction, attribute, values.data(), count, status);
  return values;
}

void *createProgram(TF_OpKernelConstruction *construction) {
  TF_Status *status = TF_NewStatus();
  auto program = std::make_unique<Program>();
  const std::vector<int64_t> code = integers(construction, "program", status);
  for (size_t i = 0; i + 2 < code.size(); i += 3) program->instructions.push_back({code[i], code[i + 1], code[i + 2]});
  for (int64_t reg : integers(construction, "registers", status)) program->results.push_back(reg);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return program.release();
}

void removeProgram(void *program) { delete static_cast<Program *>(program); }

// Whether every register is there when it is read.
bool isSound(const Program &program, long inputs) {
  long known = inputs;
  for (const Instruction &instruction : program.instructions) {
    if (std::min(instruction.a, instruction.b) < 0 || std::max(instruction.a, instruction.b) >= known) return false;
    known++;
  }
  return std::all_of(program.results.begin(), program.results.end(), [=](long r) { return r >= 0 && r < known; });
}

void computeElementwise(void *kernel, TF_OpKernelContext *context) {
  const Program &program = *static_cast<const Program *>(kernel);
  Call call(context);
  const Workspace workspace;
  std::vector<TF_Tensor *> operands;
  for (int i = 0; i < TF_NumInputs(context); i++) operands.push_back(call.input(i));
  const auto smaller = [](TF_Tensor *a, TF_Tensor *b) { return TF_TensorElementCount(a) < TF_TensorElementCount(b); };
  TF_Tensor *largest = *std::max_element(operands.begin(), operands.end(), smaller);
  const long count = TF_TensorElementCount(largest);
  const size_t inputs = operands.size();
  std::vector<const float *> input(inputs);
  const std::unique_ptr<bool[]> isScalar(new bool[inputs]);
  std::vector<int64_t> shape;
  for (int axis = 0; axis < TF_NumDims(largest); axis++) shape.push_back(TF_Dim(largest, axis));
  std::vector<int> ofThatShape;
  for (size_t i = 0; i < inputs; i++) {
    isScalar[i] = TF_NumDims(operands[i]) == 0;
    const bool fits = isScalar[i] || TF_TensorElementCount(operands[i]) == count;
    if (!fits) return call.refuse("Operands must have one shape.");
    if (!isScalar[i]) ofThatShape.push_back(static_cast<int>(i));
    input[i] = call.released(operands[i]);
  }
  if (!isSound(program, static_cast<long>(inputs))) return call.refuse("The program reads what is not there.");
  // All instructions have read an element before a result is written in its place.
  std::vector<float *> output;
  for (size_t i = 0; i < program.results.size(); i++) {
    output.push_back(call.output(static_cast<int>(i), shape, ofThatShape));
    if (output.back() == nullptr) return;
  }
  instructions().kernels->elementwise(
      host(), {count, static_cast<long>(inputs), static_cast<long>(program.instructions.size()),
               static_cast<long>(output.size()), input.data(), isScalar.get(), program.instructions.data(),
               program.results.data(), output.data()});
}

}  // namespace

std::vector<Op> elementwiseOps() {
  return {{"PefdElementwise",
           {"T: {float}", "N: int >= 1", "M: int >= 1", "program: list(int)", "registers: list(int)"},
           {"operands: N * T"},
           {"results: M * T"},
           unknownShape,
           createProgram,
           computeElementwise,
           removeProgram}};
}

}  // namespace pefd
