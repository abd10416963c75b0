// What several kernels use.
#pragma once

namespace pefd {
namespace {

constexpr long smaller(long a, long b) { return a < b ? a : b; }
constexpr long larger(long a, long b) { return a > b ? a : b; }
constexpr long parts(long whole, long size) { return (whole + size - 1) / size; }

// Slots of a thread's memory.
enum Slot { PACKED, SUMS, GRADIENTS, PLANES, OUTPUTS, ZEROS, ELEMENTS };

}  // namespace
}  // namespace pefd
