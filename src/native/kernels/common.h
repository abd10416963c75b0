// Helpers that several kernels share: parallel loops, scratch memory and the epilogue.
#pragma once

#include "kernels.h"
#include "vector.h"

namespace pefd {
namespace {

constexpr long min(long a, long b) { return a < b ? a : b; }
constexpr long max(long a, long b) { return a > b ? a : b; }
constexpr long ceilDivide(long dividend, long divisor) { return (dividend + divisor - 1) / divisor; }

// Calls step(i, worker) of a context for every i below count, on all threads.
template <typename Context, void (Context::*step)(long, long) const>
void parallelFor(const Host &host, long count, const Context &context) {
  const Task task = [](void *of, long index, long worker) noexcept {
    (static_cast<const Context *>(of)->*step)(index, worker);
  };
  host.parallelFor(host.self, count, task, const_cast<Context *>(&context));
}

// Scratch memory shared by all threads.
inline float *scratch(const Host &host, Slot slot, long floats) {
  return host.scratch(host.self, slot, 1, floats).first;
}

// Per-thread scratch memory.
struct WorkerMemory {
  float *memory;
  long apart;

  float *of(long worker) const { return memory + worker * apart; }
};

inline WorkerMemory scratchFor(const Host &host, Slot slot, long workers, long floats) {
  const Parts parts = host.scratch(host.self, slot, workers, floats);
  return {parts.first, parts.apart};
}
inline WorkerMemory workerScratch(const Host &host, Slot slot, long floats) {
  return scratchFor(host, slot, host.workers, floats);
}

// Work that each thread does once, before its first task.
struct OncePerWorker {
  WorkerMemory made;

  void clear(const Host &host) const {
    for (long worker = 0; worker < host.workers; worker++) *made.of(worker) = 0;
  }
  template <typename Make>
  void run(long worker, Make make) const {
    if (*made.of(worker) != 0) return;
    make();
    *made.of(worker) = 1;
  }
};

// A zero pixel, read for zero padding; null if there is no memory.
template <typename Number = float>
const Number *zerosScratch(const Host &host, long channels) {
  float *zeros = scratch(host, ZEROS, channels);
  if (zeros == nullptr) return nullptr;
  for (long i = 0; i < channels; i++) zeros[i] = 0;
  return reinterpret_cast<const Number *>(zeros);
}

// The bias of a vector of channels, or zeros.
template <typename Number>
inline Vector biasOf(const EpilogueOf<Number> &epilogue, const Lanes &lanes, long channel) {
  return epilogue.bias != nullptr ? lanes.load(epilogue.bias + channel) : Vector{};
}

// Applies the epilogue to a vector of outputs, with the roundings of the unfused ops; `place` is its index in the
// output.
template <typename Number>
inline Vector applyEpilogue(const EpilogueOf<Number> &epilogue, const Lanes &lanes, long place, Vector bias,
                            Vector value) {
  if (epilogue.bias != nullptr) value += bias;
  if (epilogue.image != nullptr) value += lanes.load(epilogue.image + place);
  if (epilogue.relu) value = value < 0 ? Vector{} : value;  // a NaN stays one
  if (epilogue.features != nullptr) value *= lanes.load(epilogue.features + place) > 0 ? Vector{} + 1 : Vector{};
  return value;
}

}  // namespace
}  // namespace pefd
