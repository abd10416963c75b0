// Several elementwise operations in one pass over memory: a few thousand elements at a time go through all of them.
#pragma once

#include "common.h"
#include "kernels.h"

namespace pefd {
namespace {

// Elements that go through all instructions at once: a dozen registers of them stay in the nearest cache.
constexpr long BLOCK = 512;
// Elements that one task works on; fewer are not worth a second thread.
constexpr long TASK_ELEMENTS = 32 * BLOCK;

template <typename Operation>
inline void onEach(long count, const float *a, const float *b, float *__restrict to, Operation operation) {
#pragma GCC ivdep
  for (long i = 0; i < count; i++) to[i] = operation(a[i], b[i]);
}

inline void execute(const Instruction &instruction, long count, const float *a, const float *b, float *to) {
  switch (instruction.code) {
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
  }
}

struct ElementwisePass {
  const Host &host;
  const Elementwise &work;

  // The block's own memory: one register after the other.
  float *own(float *memory, long reg) const { return memory + reg * BLOCK; }

  void task(long index) const {
    const long registers = work.inputs + work.instructions;
    float *memory = host.scratch(ELEMENTS, registers * BLOCK);
    for (long i = 0; i < work.inputs; i++) {
      if (!work.isScalar[i]) continue;
      float *filled = own(memory, i);
      for (long e = 0; e < BLOCK; e++) filled[e] = *work.input[i];
    }
    const long end = smaller(work.count, (index + 1) * TASK_ELEMENTS);
    for (long first = index * TASK_ELEMENTS; first < end; first += BLOCK) {
      block(memory, first, smaller(BLOCK, end - first));
    }
  }

  void block(float *memory, long first, long count) const {
    const auto read = [&](long reg) -> const float * {
      return reg < work.inputs && !work.isScalar[reg] ? work.input[reg] + first : own(memory, reg);
    };
    for (long i = 0; i < work.instructions; i++) {
      const Instruction &instruction = work.instruction[i];
      execute(instruction, count, read(instruction.a), read(instruction.b), own(memory, work.inputs + i));
    }
    for (long o = 0; o < work.outputs; o++) {
      const float *from = read(work.result[o]);
      float *to = work.output[o] + first;
      for (long e = 0; e < count; e++) to[e] = from[e];
    }
  }
};

void elementwise(const Host &host, const Elementwise &work) {
  const ElementwisePass pass{host, work};
  each<ElementwisePass, &ElementwisePass::task>(host, parts(work.count, TASK_ELEMENTS), pass);
}

}  // namespace
}  // namespace pefd
