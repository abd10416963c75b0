// Interpreter for fused elementwise ops: one pass over memory, a few hundred elements at a time.
#pragma once

#include <type_traits>

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// Elements per instruction: a dozen registers of them stay in L1.
constexpr long ELEMENTS_AT_ONCE = 512;
// Elements of a task.
constexpr long TASK_ELEMENTS = 32 * ELEMENTS_AT_ONCE;

template <typename Operation>
inline void onEach(long count, const float *a, const float *b, float *__restrict to, Operation operation) {
#pragma GCC ivdep
  for (long i = 0; i < count; i++) to[i] = operation(a[i], b[i]);
}

inline void execute(Opcode opcode, long count, const float *a, const float *b, float *to) {
  switch (opcode) {
    case ADD:
      return onEach(count, a, b, to, [](float x, float y) { return x + y; });
    case SUBTRACT:
      return onEach(count, a, b, to, [](float x, float y) { return x - y; });
    case MULTIPLY:
      return onEach(count, a, b, to, [](float x, float y) { return x * y; });
    case RELU:  // a NaN stays one
      return onEach(count, a, b, to, [](float x, float) { return x < 0 ? 0.0f : x; });
    case RELU_GRADIENT:
      return onEach(count, a, b, to, [](float dy, float feature) { return dy * (feature > 0 ? 1.0f : 0.0f); });
    case OPCODES:  // no opcode: the op refuses all that are none of the above
      return;
  }
}

template <typename Number>
struct ElementwisePass {
  const ElementwiseOf<Number> &work;
  // One register block per input and instruction, except inputs that are read in place.
  const WorkerMemory registers;

  static float *at(float *memory, long reg) { return memory + reg * ELEMENTS_AT_ONCE; }

  void blocks(long index, long worker) const {
    float *memory = registers.of(worker);
    for (long i = 0; i < work.inputs; i++) {
      if (!work.isScalar[i]) continue;
      float *filled = at(memory, i);
      const Vector value = Lanes(1).load(work.input[i]);
      for (long e = 0; e < ELEMENTS_AT_ONCE; e++) filled[e] = value[0];
    }
    const long end = min(work.count, (index + 1) * TASK_ELEMENTS);
    for (long first = index * TASK_ELEMENTS; first < end; first += ELEMENTS_AT_ONCE) {
      block(memory, first, min(ELEMENTS_AT_ONCE, end - first));
    }
  }

  void block(float *memory, long first, long count) const {
    if constexpr (!IS_FLOAT) {
      for (long i = 0; i < work.inputs; i++) {
        if (!work.isScalar[i]) convert(work.input[i] + first, count, at(memory, i));
      }
    }
    const auto read = [&](long reg) -> const float * {
      if constexpr (IS_FLOAT) {
        if (reg < work.inputs && !work.isScalar[reg]) return work.input[reg] + first;
      }
      return at(memory, reg);
    };
    for (long i = 0; i < work.instructions; i++) {
      const Instruction &instruction = work.instruction[i];
      execute(static_cast<Opcode>(instruction.opcode), count, read(instruction.a), read(instruction.b),
              at(memory, work.inputs + i));
    }
    for (long o = 0; o < work.outputs; o++) convert(read(work.result[o]), count, work.output[o] + first);
  }

 private:
  static constexpr bool IS_FLOAT = std::is_same<Number, float>::value;

  template <typename From, typename To>
  static void convert(const From *from, long count, To *to) {
    for (long e = 0; e < count; e += WIDTH) {
      const Lanes lanes(min(WIDTH, count - e));
      lanes.store(to + e, lanes.load(from + e));
    }
  }
};

template <typename Number>
Outcome elementwise(const Host &host, const ElementwiseOf<Number> &work) {
  const long registers = work.inputs + work.instructions;
  using Pass = ElementwisePass<Number>;
  const Pass pass{work, workerScratch(host, REGISTERS, registers * ELEMENTS_AT_ONCE)};
  if (!pass.registers.memory) return Outcome::OUT_OF_MEMORY;
  parallelFor<Pass, &Pass::blocks>(host, ceilDivide(work.count, TASK_ELEMENTS), pass);
  return Outcome::DONE;
}

}  // namespace
}  // namespace pefd
