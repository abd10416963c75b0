#include "out_of_memory.h"

#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {

void checkOutOfMemory(long count, const std::function<Outcome(const Host &, float *)> &run) {
  for (long blocks = 0;; blocks++) {
    expect(blocks <= SLOTS, "memory is always short");
    const TestHost host(2, blocks);
    Floats result(count);
    if (run(host.host(), result.data()) == Outcome::DONE) {
      expect(blocks > 0, "no memory was asked for");
      return result.expectWhole();
    }
    result.expectUntouched();
  }
}

void addOutOfMemory(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                    const ConvolutionKernels &kernels) {
  const std::string of = nameOf(conv) + ", " + set;
  cases.push_back({"out of memory: " + prefix + "forward, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkOutOfMemory(resultFloats(conv), [&](auto &host, float *y) {
                       return kernels.forward(host, conv, operands.x.data(), operands.filter.data(), {}, y);
                     });
                   }});
  cases.push_back({"out of memory: " + prefix + "dgrad, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkOutOfMemory(imageFloats(conv), [&](auto &host, float *dx) {
                       return kernels.inputGradient(host, conv, operands.filter.data(), operands.dy.data(), {}, dx);
                     });
                   }});
  cases.push_back({"out of memory: " + prefix + "wgrad, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkOutOfMemory(filterFloats(conv), [&](auto &host, float *dfilter) {
                       return kernels.filterGradient(host, conv, operands.x.data(), operands.dy.data(), dfilter);
                     });
                   }});
}

}  // namespace pefd::test
