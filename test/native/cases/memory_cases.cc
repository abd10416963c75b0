// Kernels out of memory return an error and write nothing; scratch memory grows and is reused.
#include <cstdint>
#include <string>

#include "../../../src/native/host/workspace.h"
#include "../cases.h"
#include "../kernels/convolutions.h"
#include "../kernels/out_of_memory.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

Cases outOfMemoryCases() {
  Cases cases;
  for (const KernelSet &set : kernelSets()) {
    for (const Convolution &conv : {Convolution{2, 7, 7, 16, 32, 3, 1}, Convolution{2, 7, 7, 16, 32, 1, 2},
                                    Convolution{2, 7, 7, 12, 18, 1, 1, 3}}) {
      addOutOfMemory(cases, "", conv, set.name, *set.kernels);
    }
    const Depthwise depthwise{2, 5, 6, 20, 2};
    const Convolution same{2, 5, 6, 20, 20, 3, 2, 20};
    const std::string of = std::string("depthwise, ") + set.name;
    cases.push_back({"out of memory: forward, " + of, [=] {
                       const Operands operands(same);
                       checkOutOfMemory(resultFloats(same), [&](auto &host, float *y) {
                         return set.kernels->depthwiseForward(host, depthwise, operands.x.data(),
                                                              operands.filter.data(), y);
                       });
                     }});
    cases.push_back({"out of memory: dgrad, " + of, [=] {
                       const Operands operands(same);
                       checkOutOfMemory(imageFloats(same), [&](auto &host, float *dx) {
                         return set.kernels->depthwiseInputGradient(host, depthwise, operands.filter.data(),
                                                                    operands.dy.data(), dx);
                       });
                     }});
    cases.push_back({"out of memory: wgrad, " + of, [=] {
                       const Operands operands(same);
                       checkOutOfMemory(filterFloats(same), [&](auto &host, float *dfilter) {
                         return set.kernels->depthwiseFilterGradient(host, depthwise, operands.x.data(),
                                                                     operands.dy.data(), dfilter);
                       });
                     }});
    cases.push_back({std::string("out of memory: elementwise, ") + set.name, [=] {
                       const Floats x = randomFloats(600, 1);
                       const float *const input[] = {x.data()};
                       const bool isScalar[] = {false};
                       const Instruction instruction[] = {{ADD, 0, 0}};
                       const long registers[] = {1};
                       checkOutOfMemory(x.count(), [&](auto &host, float *sum) {
                         return set.kernels->elementwise(
                             host, {x.count(), 1, 1, 1, input, isScalar, instruction, registers, &sum});
                       });
                     }});
  }
  return cases;
}

// Memory without parts.
float *all(Scratch &scratch, Slot slot, long floats) { return scratch.atLeast(slot, 1, floats).first; }

void growsAndStays() {
  Scratch scratch;
  float *const small = all(scratch, PLANES, 5);
  expect(reinterpret_cast<uintptr_t>(small) % 64 == 0, "a block does not begin with a line of the cache");
  expect(all(scratch, PLANES, 4) == small, "a block that was large enough has moved");
  float *const large = all(scratch, PLANES, 100000);
  large[99999] = 1;
  expect(all(scratch, PRODUCTS, 10) != large, "two slots have the same memory");
  expect(all(scratch, SUMS, 0) != nullptr, "no floats count as no memory");
  // A block ends with a cache line, so one float more detects overruns.
  for (long floats = 16; floats < 100; floats += 16) {
    all(scratch, GRADIENTS, floats)[floats - 1] = 1;
    all(scratch, GRADIENTS, floats + 1)[floats] = 1;
  }
}

void partsStay() {
  Scratch scratch;
  const Parts large = scratch.atLeast(PLANES, 3, 1001);
  expect(large.apart >= 1001 && large.apart % 16 == 0, "parts overlap, or do not begin with a line of the cache");
  large.first[2 * large.apart + 1000] = 1;
  const Parts small = scratch.atLeast(PLANES, 3, 7);
  expect(small.first == large.first && small.apart == large.apart, "smaller parts lie elsewhere");
  expect(all(scratch, PLANES, 3000) == large.first, "what fits all parts has moved");
  const Parts more = scratch.atLeast(PLANES, 5, 7);
  expect(more.apart == large.apart, "more parts lie less far apart");
  more.first[4 * more.apart + 6] = 1;
}

void saysWhatCannotBe() {
  Scratch scratch;
  expect(all(scratch, PLANES, 1L << 50) == nullptr, "there is a petabyte of memory");
  expect(scratch.atLeast(PLANES, 2, 1L << 50).first == nullptr, "there are petabytes of memory");
  const Parts after = scratch.atLeast(PLANES, 2, 10);
  expect(after.first != nullptr, "no memory after an allocation failure");
  after.first[after.apart + 9] = 1;
}

void isUsedAgain() {
  ScratchStore store;
  Scratch *const first = store.take(), *const second = store.take();
  expect(first != second, "two ops at once share their memory");
  store.giveBack(first);
  store.giveBack(second);
  expect(store.take() == second && store.take() == first, "scratch memory is not used again");
  delete first;
  delete second;
}

Cases memoryCases() {
  Cases cases = outOfMemoryCases();
  cases.push_back({"scratch memory grows, and stays where it is large enough", growsAndStays});
  cases.push_back({"parts of scratch memory stay where they are", partsStay});
  cases.push_back({"more scratch memory than there is", saysWhatCannotBe});
  cases.push_back({"scratch memory of an op that has ended", isUsedAgain});
  return cases;
}

const Registered registered{memoryCases};

}  // namespace
}  // namespace pefd::test
