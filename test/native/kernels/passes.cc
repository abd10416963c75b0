#include "passes.h"

#include "../reference.h"

namespace pefd::test {

const std::vector<Pass> &passes() {
  static const std::vector<Pass> all = {
      {"forward", resultFloats, [](auto &conv, auto &of) { return naiveForward(conv, of.x, of.filter); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *y) {
         return kernels.forward(host, conv, of.x.data(), of.filter.data(), {}, y);
       }},
      {"gradient of the images", imageFloats,
       [](auto &conv, auto &of) { return naiveInputGradient(conv, of.filter, of.dy); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *dx) {
         return kernels.inputGradient(host, conv, of.filter.data(), of.dy.data(), {}, dx);
       }},
      {"gradient of the filter", filterFloats,
       [](auto &conv, auto &of) { return naiveFilterGradient(conv, of.x, of.dy); },
       [](auto &kernels, auto &host, auto &conv, auto &of, float *dfilter) {
         return kernels.filterGradient(host, conv, of.x.data(), of.dy.data(), dfilter);
       }},
  };
  return all;
}

}  // namespace pefd::test
