// The programs of the elementwise op. Nothing here knows TensorFlow, so that it can be tested without.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels/kernels.h"
#include "geometry.h"

namespace pefd {

// A list of instructions, and the register of each result.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<long> results;
};

// The program of a node with `inputs` operands and `outputs` results: `code` holds an opcode and two registers for each
// instruction, `registers` the register of each result.
// @throws std::invalid_argument where it cannot be run
Program programOf(const std::vector<int64_t> &code, const std::vector<int64_t> &registers, int64_t inputs,
                  int64_t outputs);

// The one shape that operands have which are no scalars; that of a scalar where all are.
// @throws std::invalid_argument where they have several
Shape commonShape(const std::vector<Shape> &operands);

}  // namespace pefd
