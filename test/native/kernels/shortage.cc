#include "shortage.h"

#include "../hosts.h"
#include "../reference.h"

namespace pefd::test {

void checkShortage(long count, const std::function<Outcome(const Host &, float *)> &run) {
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

void addShortages(Cases &cases, const std::string &prefix, const Convolution &conv, const std::string &set,
                  const ConvolutionKernels &kernels) {
  const std::string of = nameOf(conv) + ", " + set;
  cases.push_back({"memory is short: " + prefix + "forward, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkShortage(resultFloats(conv), [&](auto &host, float *y) {
                       return kernels.forward(host, conv, operands.x.data(), operands.filter.data(), {}, y);
                     });
                   }});
  cases.push_back({"memory is short: " + prefix + "gradient of the images, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkShortage(imageFloats(conv), [&](auto &host, float *dx) {
                       return kernels.inputGradient(host, conv, operands.filter.data(), operands.dy.data(), {},
                                                         dx);
                     });
                   }});
  cases.push_back({"memory is short: " + prefix + "gradient of the filter, " + of, [=, &kernels] {
                     const Operands operands(conv);
                     checkShortage(filterFloats(conv), [&](auto &host, float *dfilter) {
                       return kernels.filterGradient(host, conv, operands.x.data(), operands.dy.data(),
                                                          dfilter);
                     });
                   }});
}

}  // namespace pefd::test
