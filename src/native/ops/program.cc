#include "program.h"

namespace pefd {

Program programOf(const std::vector<int64_t> &code, const std::vector<int64_t> &registers, int64_t inputs,
                  int64_t outputs) {
  require(code.size() % 3 == 0, "A program is a list of opcodes with two registers each.");
  require(static_cast<int64_t>(registers.size()) == outputs, "A program names one register for each result.");
  Program program;
  int64_t known = inputs;
  for (size_t i = 0; i < code.size(); i += 3) {
    const int64_t opcode = code[i], a = code[i + 1], b = code[i + 2];
    require(opcode >= 0 && opcode < OPCODES, "The program holds an unknown opcode.");
    require(a >= 0 && a < known && b >= 0 && b < known, "The program reads a register before it is written.");
    program.instructions.push_back({opcode, a, b});
    known++;
  }
  for (const int64_t result : registers) {
    require(result >= inputs && result < known, "A result must be what an instruction of the program has computed.");
    program.results.push_back(result);
  }
  return program;
}

Shape commonShape(const std::vector<Shape> &operands) {
  const Shape *common = nullptr;
  for (const Shape &shape : operands) {
    if (shape.empty()) continue;
    require(common == nullptr || *common == shape, "Operands must be scalars or have one shape.");
    common = &shape;
  }
  return common == nullptr ? Shape{} : *common;
}

}  // namespace pefd
