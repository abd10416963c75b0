// The first convolution of a model and its gradient against plain loops: the same bits for any number of threads and all
// vectors, and the same rounded once where results are in bfloat16.
#include <memory>

#include "../cases.h"
#include "../hosts.h"
#include "../kernels/convolutions.h"
#include "../kernels/narrow.h"
#include "../kernels/shortage.h"
#include "../reference.h"

namespace pefd::test {
namespace {

// Colours, one of them, and as many as there are less than a vector's; panels that are filled and others; images narrower than
// the filter, of more pixels than a part has, and none at all.
constexpr Convolution STEMS[] = {
    {2, 8, 8, 3, 16, 3, 1},  {3, 7, 9, 3, 32, 3, 2},  {1, 1, 1, 3, 64, 3, 1}, {2, 5, 1, 1, 24, 3, 1}, {1, 2, 6, 15, 48, 3, 2},
    {2, 33, 31, 3, 33, 3, 1}, {5, 1, 70, 4, 7, 3, 2}, {7, 24, 24, 3, 16, 3, 1}, {3, 6, 5, 7, 80, 3, 1}, {1, 40, 3, 2, 16, 3, 2},
    {0, 8, 8, 3, 16, 3, 1},  {2, 0, 5, 3, 32, 3, 1},
};

Floats biasOf(const Convolution &conv) { return randomFloats(conv.outputs, 4); }

// Runs a kernel with all instructions and numbers of threads. @returns the one result that it has to have
template <typename Naive, typename Run>
Floats everywhere(long count, const Naive &naive, const Run &run) {
  std::unique_ptr<Floats> first;
  for (const KernelSet &set : kernelSets()) {
    for (long workers = 1; workers <= MOST_WORKERS; workers++) {
      const TestHost host(workers);
      auto result = std::make_unique<Floats>(count);
      expect(run(*set.kernels, host.host(), result->data()) == Outcome::DONE, "memory was short");
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
    Floats followed(resultFloats(conv));
    const TestHost two(2);
    set.kernels->stemForward(two.host(), conv, of.x.data(), of.filter.data(), epilogue, followed.data());
    expectSameBits(followed, expected);
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

// Results in bfloat16, of images in float32.
void checkNarrow(const NarrowKernelSet &set, const Convolution &conv) {
  Operands of(conv);
  of.dy = nearest(of.dy);
  const Floats bias = biasOf(conv);
  const TestHost one(1), three(3);
  Floats y(resultFloats(conv)), expected(filterFloats(conv)), actual(filterFloats(conv));
  Narrow narrowY(resultFloats(conv));
  const Narrow dy(of.dy);
  Epilogue epilogue;
  EpilogueOf<Bfloat16> narrowEpilogue;
  epilogue.bias = narrowEpilogue.bias = bias.data();
  epilogue.relu = narrowEpilogue.relu = true;
  set.others->stemForward(one.host(), conv, of.x.data(), of.filter.data(), epilogue, y.data());
  set.narrow->stemForward(three.host(), conv, of.x.data(), of.filter.data(), narrowEpilogue, narrowY.data());
  set.others->stemFilterGradient(one.host(), conv, of.x.data(), of.dy.data(), expected.data());
  set.narrow->stemFilterGradient(three.host(), conv, of.x.data(), dy.data(), actual.data());
  three.expectSound();
  expectSameBits(narrowY.wide(), nearest(y));
  expectSameBits(actual, expected);
}

void runsShort(const Kernels &kernels) {
  const Convolution conv{2, 7, 7, 3, 32, 3, 1};
  const Operands of(conv);
  checkShortage(resultFloats(conv), [&](auto &host, float *y) {
    return kernels.stemForward(host, conv, of.x.data(), of.filter.data(), {}, y);
  });
  checkShortage(filterFloats(conv), [&](auto &host, float *dfilter) {
    return kernels.stemFilterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
  });
}

}  // namespace

Cases stemCases() {
  Cases cases;
  for (const Convolution &conv : STEMS) {
    const std::string name = "first convolution, " + nameOf(conv);
    cases.push_back({name + ", forward", [=] { checkForward(conv); }});
    cases.push_back({name + ", gradient of the filter", [=] { checkFilterGradient(conv); }});
    for (const NarrowKernelSet &set : narrowKernelSets()) {
      cases.push_back({name + ", results in bfloat16, " + set.name, [=] { checkNarrow(set, conv); }});
    }
  }
  for (const KernelSet &set : kernelSets()) {
    cases.push_back({std::string("memory is short: first convolution, ") + set.name, [=] { runsShort(*set.kernels); }});
  }
  return cases;
}

}  // namespace pefd::test
