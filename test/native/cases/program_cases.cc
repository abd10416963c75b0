// Validation of elementwise programs, and its messages.
#include <string>

#include "../../../src/native/ops/geometry.h"
#include "../cases.h"

namespace pefd::test {
namespace {

using Integers = std::vector<int64_t>;

struct Refused {
  const char *sentence;
  Integers code, registers;
  int64_t inputs, outputs;
};

std::vector<Refused> refused() {
  const char *const length = "A program is a list of opcodes with two registers each.";
  const char *const unknown = "The program holds an unknown opcode.";
  const char *const early = "The program reads a register before it is written.";
  const char *const result = "A result must be what an instruction of the program has computed.";
  return {
      {length, {ADD, 0}, {1}, 1, 1},
      {length, {ADD, 0, 0, ADD}, {1}, 1, 1},
      {unknown, {OPCODES, 0, 0}, {1}, 1, 1},
      {unknown, {-1, 0, 0}, {1}, 1, 1},
      {early, {ADD, 0, 1}, {1}, 1, 1},
      {early, {ADD, -1, 0}, {1}, 1, 1},
      {early, {ADD, 0, 0, MULTIPLY, 2, 1}, {1}, 1, 1},
      {result, {ADD, 0, 0}, {2}, 1, 1},
      {result, {ADD, 0, 0}, {0}, 1, 1},
      {result, {ADD, 0, 0}, {-1}, 1, 1},
      {result, {}, {0}, 1, 1},
      {"A program names one register for each result.", {ADD, 0, 0}, {1, 1}, 1, 1},
      {"A program names one register for each result.", {ADD, 0, 0}, {}, 1, 1},
  };
}

void understood() {
  const Program program = programOf({MULTIPLY, 0, 1, ADD, 2, 0}, {3, 2}, 2, 2);
  expect(program.instructions.size() == 2 && program.instructions[1].opcode == ADD, "the instructions are others");
  expect(program.instructions[1].a == 2 && program.instructions[1].b == 0, "the registers are others");
  expect(program.results == std::vector<long>({3, 2}), "the results are others");
}

void shapes() {
  expect(commonShape({{}, {2, 3}, {}, {2, 3}}) == Shape{2, 3}, "scalars go with any shape");
  expect(commonShape({{}, {}}) == Shape{}, "scalars make a scalar");
  expect(commonShape({{}, {0}}) == Shape{0}, "a scalar goes with no elements");
  const std::vector<std::vector<Shape>> others{{{2, 3}, {3, 2}}, {{6}, {2, 3}}, {{1}, {2, 3}}, {{1, 6}, {6}}};
  for (const std::vector<Shape> &operands : others) {
    const std::string refusal = refusalOf([&] { commonShape(operands); });
    expect(refusal == "Operands must be scalars or have one shape.", "it was refused with: " + refusal);
  }
}

Cases programCases() {
  Cases cases{{"program: instructions and results", understood}, {"program: shapes of operands", shapes}};
  for (const Refused &one : refused()) {
    cases.push_back({std::string("program refused: ") + one.sentence, [=] {
                       const std::string refusal =
                           refusalOf([&] { programOf(one.code, one.registers, one.inputs, one.outputs); });
                       expect(refusal == one.sentence, "it was refused with: " + refusal);
                     }});
  }
  return cases;
}

const Registered registered{programCases};

}  // namespace
}  // namespace pefd::test
