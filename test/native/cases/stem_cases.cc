// The stem and its wgrad against plain loops: the same bits for any number of threads and vector width, rounded once
// for bfloat16 outputs.
#include <memory>

#include "../cases.h"
#include "../kernels/bfloat16_array.h"
#include "../kernels/convolutions.h"
#include "../kernels/out_of_memory.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

// Three channels, one, and the most; panels that are filled and others; images narrower than the filter, of several
// parts of pixels, and empty.
constexpr Convolution STEMS[] = {
    {2, 8, 8, 3, 16, 3, 1},  {3, 7, 9, 3, 32, 3, 2},   {1, 1, 1, 3, 64, 3, 1}, {2, 5, 1, 1, 24, 3, 1},
    {1, 2, 6, 15, 48, 3, 2}, {2, 33, 31, 3, 33, 3, 1}, {5, 1, 70, 4, 7, 3, 2}, {7, 24, 24, 3, 16, 3, 1},
    {3, 6, 5, 7, 80, 3, 1},  {1, 40, 3, 2, 16, 3, 2},  {0, 8, 8, 3, 16, 3, 1}, {2, 0, 5, 3, 32, 3, 1},
};

Floats biasOf(const Convolution &conv) { return randomFloats(conv.outputs, 4); }

// Runs a kernel for all instruction sets and numbers of threads. @returns the common result
template <typename Naive, typename Run>
Floats everywhere(long count, const Naive &naive, const Run &run) {
  std::unique_ptr<Floats> first;
  for (const KernelSet &set : kernelSets()) {
    for (const long workers : WORKERS) {
      const TestHost host(workers);
      auto result = std::make_unique<Floats>(count);
      expect(run(*set.kernels, host.host(), result->data()) == Outcome::DONE, "out of memory");
      host.expectSound();
      if (first != nullptr) {
        expectSameBits(*result, *first);
        continue;
      }
      expectClose(*result, naive());
      first = std::move(result);
    }
  }
  return *first;
}

void checkForward(const Convolution &conv) {
  const Operands of(conv);
  const Floats bias = biasOf(conv);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.relu = true;
  const Floats y = everywhere(
      resultFloats(conv), [&] { return naiveForward(conv, of.x, of.filter); },
      [&](auto &kernels, auto &host, float *y) {
        return kernels.stemForward(host, conv, of.x.data(), of.filter.data(), {}, y);
      });
  const Floats expected = naiveEpilogue(y, conv.outputs, epilogue);
  for (const KernelSet &set : kernelSets()) {
    Floats applyEpilogue(resultFloats(conv));
    const TestHost two(2);
    set.kernels->stemForward(two.host(), conv, of.x.data(), of.filter.data(), epilogue, applyEpilogue.data());
    expectSameBits(applyEpilogue, expected);
  }
}

void checkFilterGradient(const Convolution &conv) {
  const Operands of(conv);
  everywhere(
      filterFloats(conv), [&] { return naiveFilterGradient(conv, of.x, of.dy); },
      [&](auto &kernels, auto &host, float *dfilter) {
        return kernels.stemFilterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
      });
}

// bfloat16 outputs of float32 images.
void checkBfloat16(const Bfloat16KernelSet &set, const Convolution &conv) {
  Operands of(conv);
  of.dy = nearestBfloat16(of.dy);
  const Floats bias = biasOf(conv);
  const TestHost one(1), three(3);
  Floats y(resultFloats(conv)), expected(filterFloats(conv)), actual(filterFloats(conv));
  Bfloat16Array bfloat16Y(resultFloats(conv));
  const Bfloat16Array dy(of.dy);
  Epilogue epilogue;
  EpilogueOf<Bfloat16> bfloat16Epilogue;
  epilogue.bias = bfloat16Epilogue.bias = bias.data();
  epilogue.relu = bfloat16Epilogue.relu = true;
  set.others->stemForward(one.host(), conv, of.x.data(), of.filter.data(), epilogue, y.data());
  set.bfloat16->stemForward(three.host(), conv, of.x.data(), of.filter.data(), bfloat16Epilogue, bfloat16Y.data());
  set.others->stemFilterGradient(one.host(), conv, of.x.data(), of.dy.data(), expected.data());
  set.bfloat16->stemFilterGradient(three.host(), conv, of.x.data(), dy.data(), actual.data());
  three.expectSound();
  expectSameBits(bfloat16Y.toFloats(), nearestBfloat16(y));
  expectSameBits(actual, expected);
}

void checkOutOfMemoryCases(const Kernels &kernels) {
  const Convolution conv{2, 7, 7, 3, 32, 3, 1};
  const Operands of(conv);
  checkOutOfMemory(resultFloats(conv), [&](auto &host, float *y) {
    return kernels.stemForward(host, conv, of.x.data(), of.filter.data(), {}, y);
  });
  checkOutOfMemory(filterFloats(conv), [&](auto &host, float *dfilter) {
    return kernels.stemFilterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
  });
}

Cases stemCases() {
  Cases cases;
  for (const Convolution &conv : STEMS) {
    const std::string name = "first convolution, " + nameOf(conv);
    cases.push_back({name + ", forward", [=] { checkForward(conv); }});
    cases.push_back({name + ", wgrad", [=] { checkFilterGradient(conv); }});
    for (const Bfloat16KernelSet &set : bfloat16KernelSets()) {
      cases.push_back({name + ", results in bfloat16, " + set.name, [=] { checkBfloat16(set, conv); }});
    }
  }
  for (const KernelSet &set : kernelSets()) {
    cases.push_back(
        {std::string("out of memory: first convolution, ") + set.name, [=] { checkOutOfMemoryCases(*set.kernels); }});
  }
  return cases;
}

const Registered registered{stemCases};

}  // namespace
}  // namespace pefd::test
