// The elementwise kernel against one instruction on one element at a time: the same bits.
#include <limits>
#include <string>
#include <vector>

#include "../cases.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

struct Program {
  std::vector<bool> isScalar;
  std::vector<Instruction> instructions;
  std::vector<long> results;
};

// Sizes around those of a block and of a task.
constexpr long COUNTS[] = {0, 1, 7, 511, 512, 513, 16383, 16384, 16385, 33001};

std::vector<Floats> inputsOf(const Program &program, long count) {
  std::vector<Floats> inputs;
  for (size_t i = 0; i < program.isScalar.size(); i++) {
    inputs.push_back(randomFloats(program.isScalar[i] ? 1 : count, 10 + static_cast<uint32_t>(i)));
  }
  return inputs;
}

std::vector<Floats> naive(const Program &program, long count, const std::vector<Floats> &inputs) {
  std::vector<Floats> results(program.results.size(), Floats(count));
  std::vector<float> registers;
  for (long element = 0; element < count; element++) {
    registers.clear();
    for (size_t i = 0; i < inputs.size(); i++) registers.push_back(inputs[i][program.isScalar[i] ? 0 : element]);
    for (const Instruction &instruction : program.instructions) {
      registers.push_back(naiveInstruction(instruction.opcode, registers[instruction.a], registers[instruction.b]));
    }
    for (size_t r = 0; r < results.size(); r++) results[r][element] = registers[program.results[r]];
  }
  return results;
}

// Runs a program; in place, outputs alias inputs of their size.
void check(const Program &program, long count, const KernelSet &set, long workers, bool inPlace,
           std::vector<Floats> inputs) {
  const std::vector<Floats> expected = naive(program, count, inputs);
  std::vector<Floats> own(program.results.size(), Floats(count));
  std::vector<Floats *> results;
  std::vector<const float *> input;
  const std::unique_ptr<bool[]> isScalar(new bool[inputs.size()]);
  for (size_t i = 0; i < inputs.size(); i++) {
    input.push_back(inputs[i].data());
    isScalar[i] = program.isScalar[i];
    if (inPlace && !isScalar[i] && results.size() < own.size()) results.push_back(&inputs[i]);
  }
  while (results.size() < own.size()) results.push_back(&own[results.size()]);
  std::vector<float *> output;
  for (Floats *result : results) output.push_back(result->data());
  const TestHost host(workers);
  const Outcome outcome = set.kernels->elementwise(
      host.host(), {count, static_cast<long>(inputs.size()), static_cast<long>(program.instructions.size()),
                    static_cast<long>(output.size()), input.data(), isScalar.get(), program.instructions.data(),
                    program.results.data(), output.data()});
  expect(outcome == Outcome::DONE, "out of memory");
  host.expectSound();
  for (size_t r = 0; r < results.size(); r++) expectSameBits(*results[r], expected[r]);
}

// Every pair of special values.
std::vector<Floats> specialPairs() {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float tiny = std::numeric_limits<float>::denorm_min(), most = std::numeric_limits<float>::max();
  const std::vector<float> values{0.0f, -0.0f, 1.0f, -1.0f, 1.5f, infinity, -infinity, nan, tiny, -tiny, most, -most};
  const long count = static_cast<long>(values.size());
  std::vector<Floats> pairs(2, Floats(count * count));
  for (long i = 0; i < count * count; i++) {
    pairs[0][i] = values[i / count];
    pairs[1][i] = values[i % count];
  }
  return pairs;
}

// A random program.
Program randomProgram(uint32_t seed) {
  const Floats numbers = randomFloats(64, 100 + seed);
  long next = 0;
  const auto below = [&](long bound) { return static_cast<long>((numbers[next++ % 64] + 1) / 2.0001f * bound); };
  Program program;
  const long inputs = 1 + below(6), instructions = 1 + below(12), results = 1 + below(3);
  for (long i = 0; i < inputs; i++) program.isScalar.push_back(i > 0 && below(3) == 0);
  for (long i = 0; i < instructions; i++) {
    program.instructions.push_back({below(OPCODES), below(inputs + i), below(inputs + i)});
  }
  for (long i = 0; i < results; i++) program.results.push_back(inputs + below(instructions));
  return program;
}

Cases elementwiseCases() {
  Cases cases;
  for (const KernelSet &set : kernelSets()) {
    for (long opcode = 0; opcode < OPCODES; opcode++) {
      const Program program{{false, false}, {{opcode, 0, 1}}, {2}};
      const std::string name = std::string("elementwise ") + OPERATIONS[opcode] + ", " + set.name;
      cases.push_back({name + ", special values", [=] {
                         const std::vector<Floats> pairs = specialPairs();
                         check(program, pairs[0].count(), set, 1, false, pairs);
                       }});
      for (long count : COUNTS) {
        cases.push_back({name + ", " + std::to_string(count) + " elements",
                         [=] { check(program, count, set, 2, false, inputsOf(program, count)); }});
      }
    }
    for (uint32_t seed = 0; seed < 60; seed++) {
      const Program program = randomProgram(seed);
      const long count = COUNTS[seed % std::size(COUNTS)], workers = 1 + seed % MAX_WORKERS;
      for (bool inPlace : {false, true}) {
        cases.push_back(
            {"elementwise program " + std::to_string(seed) + ", " + set.name + (inPlace ? ", in place" : ""),
             [=] { check(program, count, set, workers, inPlace, inputsOf(program, count)); }});
      }
    }
  }
  return cases;
}

const Registered registered{elementwiseCases};

}  // namespace
}  // namespace pefd::test
