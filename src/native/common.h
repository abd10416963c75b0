// What several kernels use.
#pragma once

#include "kernels.h"

namespace pefd {
namespace {

constexpr long smaller(long a, long b) { return a < b ? a : b; }
constexpr long larger(long a, long b) { return a > b ? a : b; }
constexpr long parts(long whole, long size) { return (whole + size - 1) / size; }

// Calls step(i) of a context for every i below count, on all threads.
template <typename Context, void (Context::*step)(long) const>
void each(const Host &host, long count, const Context &context) {
  host.parallel(
      count, [](void *of, long index) { (static_cast<const Context *>(of)->*step)(index); },
      const_cast<Context *>(&context));
}

}  // namespace
}  // namespace pefd
